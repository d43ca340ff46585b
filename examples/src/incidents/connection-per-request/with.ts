import handback from '@handback/express';
import express from 'express';
import { serve, setting } from '../stage/serve.js';

const app = express();
app.use(handback({ uri: setting('DATABASE_URL'), max: 28 }));

app.get('/search', async (req, res) => {
  await req.db.query('SELECT SLEEP(1.5)');
  res.json({});
});

await serve(app);
