package main

import (
	"saoma/backend/pay"
	"saoma/backend/webhook"
)

// webhookConfig is what a merchant's part of the configuration says of its webhooks.
type webhookConfig struct {
	WebhookURL      string `toml:"webhook_url"`
	WebhookSecret   string `toml:"webhook_secret"`          // "whsec_…"
	WebhookPrevious string `toml:"webhook_secret_previous"` // while the secret is being replaced: requests are signed with both
	WebhookPrivate  bool   `toml:"webhook_private"`         // the address may lie in our own network, and be http
}

// endpoint is what the sender must know, if there is an address.
func (w webhookConfig) endpoint() (e webhook.Endpoint, configured bool) {
	e = webhook.Endpoint{URL: w.WebhookURL, Private: w.WebhookPrivate}
	for _, secret := range []string{w.WebhookSecret, w.WebhookPrevious} {
		if secret != "" {
			e.Secrets = append(e.Secrets, secret)
		}
	}
	return e, w.WebhookURL != ""
}

func (w webhookConfig) check() error {
	e, configured := w.endpoint()
	if !configured {
		return nil
	}
	return e.Check()
}

// endpoints are the merchants' servers that take webhooks.
func (c *config) endpoints() map[pay.MerchantID]webhook.Endpoint {
	m := make(map[pay.MerchantID]webhook.Endpoint)
	for _, merchant := range c.Merchants {
		if e, configured := merchant.endpoint(); configured {
			m[pay.MerchantID(merchant.ID)] = e
		}
	}
	return m
}
