package pay

import (
	"crypto/sha256"
	"slices"
)

// A Merchant is who sells. Its WeChat Pay keys are not here: only the gateway holds them.
type Merchant struct {
	ID             MerchantID
	Name           string // the payee, as customers know it
	MchID, AppID   string // at WeChat Pay; of a service provider's merchant (特约商户) the provider's
	SubMchID       string // its own number at WeChat Pay if it has a service provider (服务商), else empty
	PublishableKey string // stands in the shop's page; may only make orders from the catalogue
	SecretDigest   Digest // of the key that the shop's server holds
	Origins        []string
	Late           LatePolicy
	Limits         Limits
	Channels       []Channel // beside Native, which every merchant takes
	WebhookURL     string    // where it hears of its orders; empty: nowhere. The secrets are with the WebhookGateway
	Looks          Looks     // of the checkout
}

// Takes reports whether customers may pay the merchant in the channel.
func (m Merchant) Takes(c Channel) bool { return c == Native || slices.Contains(m.Channels, c) }

// Looks are how a merchant wants the checkout to look. The domain carries them; the server says what they may be.
type Looks map[string]string

// A LatePolicy says what becomes of money that comes after an order expired or was cancelled.
type LatePolicy string

// The policies.
const (
	LateAccept LatePolicy = "accept" // the order is paid after all, marked late; the default
	LateRefund LatePolicy = "refund" // the same, and the money goes back at once
)

// A Digest stands for a secret that we only have to recognise.
type Digest [sha256.Size]byte

// DigestOf returns the digest of a secret.
func DigestOf(secret string) Digest { return sha256.Sum256([]byte(secret)) }

// Allows reports whether pages of the origin ("https://shop.example") may embed the merchant's checkout.
func (m Merchant) Allows(origin string) bool { return slices.Contains(m.Origins, origin) }
