package pay

import (
	"fmt"
	"hash/fnv"
	"time"
)

// An Attempt is one try to collect an order through WeChat Pay: one out_trade_no in one channel. An order
// has at most one open attempt; the database holds that too.
type Attempt struct {
	OutTradeNo string
	Order      OrderID
	Merchant   MerchantID
	State      AttemptState
	Channel    Channel
	Payer      string // digest of what the request says of the customer, empty with Native: see [Way]

	// What every notice is compared with, as it was when the request was made.
	MchID, AppID string
	SubMchID     string // empty without a service provider
	Total        Fen

	// Request is the prepay request, byte for byte. It is committed before it is sent and replayed as it
	// is: WeChat Pay refuses a repeat in which a single field differs (OUT_TRADE_NO_USED).
	Request []byte

	// PrepayResult is what WeChat Pay gave: a code_url, a prepay_id or an h5_url, by the channel. PrepaidAt is
	// when: a prepay_id and a code_url live for 2 hours, an h5_url for 5 minutes.
	PrepayResult string
	PrepaidAt    time.Time

	TransactionID string // of the payment, once there is one
	PaidAt        time.Time
	Refunded      Fen // of it, counting what is on its way; the database keeps it at or below Total

	CreatedAt time.Time
	ExpiresAt time.Time // time_expire of the request

	// CheckAt is when the sweep looks at the attempt next; Checks counts how often it did.
	CheckAt time.Time
	Checks  int
}

// An AttemptState is where an attempt is.
type AttemptState string

// The states of an attempt. Requested and open ones are swept; closed and paid ones are at rest.
const (
	AttemptRequested AttemptState = "requested" // stored, WeChat Pay may or may not know it
	AttemptOpen      AttemptState = "open"      // has its PrepayResult
	AttemptClosed    AttemptState = "closed"    // unpayable at WeChat Pay, or never known there
	AttemptPaid      AttemptState = "paid"
)

// Live reports whether money may still come by the attempt in the ordinary way.
func (s AttemptState) Live() bool { return s == AttemptRequested || s == AttemptOpen }

// expired reports whether the customer's time is over at the given moment.
func (a Attempt) expired(now time.Time) bool { return !now.Before(a.ExpiresAt) }

// settling reports whether the prepay call may still be on its way: until then "WeChat Pay does not know
// this number" proves nothing.
func (a Attempt) settling(now time.Time) bool {
	return a.State == AttemptRequested && now.Before(a.CreatedAt.Add(PrepaySettle))
}

// nextCheck is when an open attempt is queried next if nothing is heard of it: 5 s, 30 s, 1, 3, 5 and 10
// minutes after its creation (the schedule WeChat Pay recommends, doc 4012075249), and at its expiry.
func (a Attempt) nextCheck(now time.Time) time.Time {
	for _, age := range [...]time.Duration{
		5 * time.Second, 30 * time.Second, time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	} {
		if at := a.CreatedAt.Add(age); at.After(now) && at.Before(a.ExpiresAt) {
			return at
		}
	}
	if a.ExpiresAt.After(now) {
		return a.ExpiresAt
	}
	return now.Add(a.retryDelay())
}

// retryDelay is the pause after a check that could not finish: 1 s, doubling to one minute, and up to a quarter more.
func (a Attempt) retryDelay() time.Duration {
	return spread(min(time.Second<<min(a.Checks, 6), time.Minute), a.OutTradeNo, a.Checks)
}

// spread makes a pause up to a quarter longer, by a number that differs from name to name and from try to try, so
// that what failed at the same moment is not tried again at the same moment. The domain has no dice.
func spread(d time.Duration, name string, try int) time.Duration {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, name, try) // a hash takes everything
	return d + d*time.Duration(h.Sum32()%1000)/4000
}
