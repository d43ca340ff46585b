import handback from '@handback/express';
import express from 'express';
import { serve, setting } from '../stage/serve.js';

const app = express();
app.use(handback({ uri: setting('DATABASE_URL'), max: Number(setting('MAX')) }));

app.get('/search', async (req, res) => {
  await req.db.query('SELECT SLEEP(0.5)');
  res.json({});
});

await serve(app);
