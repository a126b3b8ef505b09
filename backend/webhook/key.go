package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Bounds of a secret, in bytes, by the specification. The library takes any, also an empty one.
const (
	secretMin = 24
	secretMax = 64
)

const secretPrefix = "whsec_"

// keys sign as one: a merchant that holds any of the secrets can verify.
type keys []*standardwebhooks.Webhook

func parseSecrets(secrets []string) (keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("webhook_secret is missing: the merchant's server verifies webhooks with it")
	}
	list := make(keys, len(secrets))
	for i, s := range secrets {
		text, ok := strings.CutPrefix(s, secretPrefix)
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(raw) < secretMin || len(raw) > secretMax {
			return nil, fmt.Errorf("webhook_secret must be %s and %d to %d random bytes in base64, "+
				"as of: echo %s$(openssl rand -base64 32)", secretPrefix, secretMin, secretMax, secretPrefix)
		}
		if list[i], err = standardwebhooks.NewWebhookRaw(raw); err != nil {
			return nil, errors.New("webhook_secret cannot be used")
		}
	}
	return list, nil
}

// sign returns the header webhook-signature: one signature by each key.
func (ks keys) sign(id string, at time.Time, body []byte) string {
	signatures := make([]string, len(ks))
	for i, k := range ks {
		signatures[i], _ = k.Sign(id, at, body) // an HMAC cannot fail
	}
	return strings.Join(signatures, " ")
}
