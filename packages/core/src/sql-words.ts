/**
 * Words that a text may hold before `(` and still call nothing but what the server brings along. A test asks the
 * server whether a stored function could answer to any of them (test/server/built-in-names.test.ts).
 */

/** Syntax, and functions that the server finds before any stored one of that name, whatever space follows. */
export const BUILT_IN = words(`
  in values value and or xor div not exists any all some on using over partition as by distinct when then else case
  where having select from join union except intersect set between like rlike regexp interval limit is index key

  if ifnull nullif coalesce isnull greatest least default match
  round truncate abs ceil ceiling floor mod pow power sqrt exp ln log log2 log10 sign rand pi crc32 conv bin oct hex
  unhex sin cos tan cot asin acos atan atan2 degrees radians bit_count
  ascii ord char concat concat_ws lower upper lcase ucase left right substring_index ltrim rtrim lpad rpad repeat
  reverse replace insert locate instr find_in_set field elt make_set format length char_length character_length
  octet_length bit_length strcmp space quote soundex regexp_replace regexp_substr regexp_instr to_base64 from_base64
  export_set weight_string extractvalue updatexml row nchar
  md5 sha sha1 sha2 aes_encrypt aes_decrypt compress uncompress uuid uuid_short
  current_date current_time current_timestamp localtime localtimestamp sysdate utc_date utc_time utc_timestamp
  unix_timestamp from_unixtime date time timestamp year quarter month week day hour minute second microsecond
  dayofmonth dayofweek dayofyear weekday dayname monthname weekofyear yearweek addtime subtime datediff timediff
  timestampdiff timestampadd date_format time_format str_to_date get_format makedate maketime last_day to_days
  from_days to_seconds sec_to_time time_to_sec period_add period_diff convert_tz
  convert binary int integer bigint decimal numeric float double varchar signed unsigned datetime json
  row_number last_value
  json_extract json_unquote json_object json_array json_contains json_contains_path json_length json_keys json_depth
  json_set json_insert json_replace json_remove json_array_append json_array_insert json_merge_patch
  json_merge_preserve json_valid json_type json_value json_quote json_search
  linestring polygon mbrcontains st_srid st_buffer st_area st_length st_equals
  st_x st_y st_distance st_contains st_within st_intersects st_geomfromtext st_astext st_asgeojson
  database schema user current_user version connection_id charset collation coercibility
  sleep benchmark inet_aton inet_ntoa inet6_aton inet6_ntoa is_ipv4 is_ipv6
`);

/**
 * Functions that are built in only where `(` follows at once: behind a space each may be a stored function, unless
 * sql_mode has IGNORE_SPACE, which the text does not tell.
 */
export const BUILT_IN_WHEN_TOUCHING = words(`
  count sum avg min max std stddev stddev_pop stddev_samp variance var_pop var_samp group_concat json_arrayagg
  json_objectagg bit_and bit_or bit_xor rank dense_rank ntile lag lead first_value nth_value cume_dist percent_rank
  substring substr mid trim position now curdate curtime date_add date_sub adddate subdate extract cast session_user
`);

/** Built in as well, but they change the session or tell of it: a stored function can't hide behind them either. */
export const BUILT_IN_FOR_THE_SESSION = words(`
  last_insert_id row_count found_rows lastval nextval setval get_lock release_lock release_all_locks is_free_lock
  is_used_lock
`);

/** Statements that read or write rows and do nothing else. */
export const QUERY_VERBS = words(
  'select with insert replace update delete show describe desc explain values',
);

/** Statements that are of use only on the session of the ones before them. */
export const SESSION_VERBS = words(
  'set use lock unlock prepare execute deallocate handler begin start commit rollback savepoint release xa',
);

/** Statements that may run several others. */
export const COMPOUND_VERBS = words('call execute begin if case loop repeat while for');

/** Statements after which the same text may mean something else. */
export const CHANGING_VERBS = words('set use lock call handler prepare');

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/).filter(Boolean));
}
