// Reads what a merchant's server received, as JSON, and says of each message whether it is genuine.
const { Webhook } = require('standardwebhooks');

const messages = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(messages.map(({ secret, headers, body }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return 'genuine';
  } catch (e) {
    return e.message;
  }
})));
