/** One value at one time. */
export interface Point {
  hours: number;
  value: number;
}

export interface Trend {
  /** Per hour. */
  slope: number;
  /** Of the slope; infinite when there are too few points to tell. */
  standardError: number;
}

/**
 * The straight line of least squares. What was measured shortly after something else is like it: so that this does not
 * pass for certainty, the points count for as many as they would be if each stood for itself.
 */
export function trendOf(points: readonly Point[]): Trend {
  const count = points.length;
  const meanHours = meanOf(points.map(({ hours }) => hours));
  const meanValue = meanOf(points.map(({ value }) => value));
  const spread = sumOf(points.map(({ hours }) => (hours - meanHours) ** 2));
  if (count < 3 || spread === 0) return { slope: 0, standardError: Number.POSITIVE_INFINITY };
  const slope = sumOf(points.map(({ hours, value }) => (hours - meanHours) * (value - meanValue))) / spread;
  const residuals = points.map(({ hours, value }) => value - meanValue - slope * (hours - meanHours));
  const independent = Math.max(3, count * shareOfIndependent(residuals));
  const variance = sumOf(residuals.map((residual) => residual ** 2)) / (count - 2);
  return { slope, standardError: Math.sqrt((variance / spread) * (count / independent)) };
}

/** From the correlation of each residual with the next. */
function shareOfIndependent(residuals: readonly number[]): number {
  const squares = sumOf(residuals.map((residual) => residual ** 2));
  if (squares === 0) return 1;
  const products = residuals.slice(1).map((residual, index) => residual * (residuals[index] as number));
  const correlation = Math.min(0.95, Math.max(0, sumOf(products) / squares));
  return (1 - correlation) / (1 + correlation);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function meanOf(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : sumOf(numbers) / numbers.length;
}
