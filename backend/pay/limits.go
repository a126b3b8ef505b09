package pay

import "time"

// Every bound of the domain, with its reason.
const (
	// CallLimit is how long one call to WeChat Pay may take. Its answers come within a second; a customer
	// looks at the screen meanwhile.
	CallLimit = 10 * time.Second

	// ExpiresInMin is WeChat Pay's own floor: an earlier time_expire is moved to one minute.
	// ExpiresInMax is the life of a code_url. ExpiresInDefault is long enough to find the phone.
	ExpiresInMin     = 60 * time.Second
	ExpiresInMax     = 2 * time.Hour
	ExpiresInDefault = 15 * time.Minute

	// TotalMax, ten million yuan, is above what any payer's bank lets through in one payment, and far below
	// what an int64 holds: sums of orders cannot overflow.
	TotalMax Fen = 10_000_000 * 100

	// LinesMax and QuantityMax bound a cart; LinesMax·QuantityMax·TotalMax still fits an int64.
	LinesMax    = 100
	QuantityMax = 999

	DescriptionMax   = 127 // characters, by WeChat Pay
	ReferenceMax     = 64  // characters
	MetadataKeysMax  = 20
	MetadataKeyMax   = 40  // characters
	MetadataValueMax = 500 // characters
	URLMax           = 2048
	ListMax          = 100 // orders in one page of a list
)

const (
	// PrepaySettle is how long after its creation an attempt may still be on its way to WeChat Pay: two
	// calls of CallLimit, and some seconds for the network to drop what it holds.
	PrepaySettle = 2*CallLimit + 5*time.Second

	// PrepayRetryWithin: a prepay that failed faster than this is repeated once while the customer waits.
	PrepayRetryWithin = 3 * time.Second

	// SweepParallel is how many checks of one merchant are under way at once: at a tenth of a second for an answer
	// of WeChat Pay that is 640 a second. SweepLease is how long a claim holds: longer than the slowest check,
	// which makes four calls (query, prepay or close, query).
	SweepParallel = 64
	SweepLease    = 4*CallLimit + 5*time.Second

	// SweepRate is how many checks of one merchant are made in a second. 100,000 open orders of a quarter of an hour
	// need 780; after a day off a hundred thousand that are overdue are not all asked for in the same second. WeChat Pay
	// names no limit for queries.
	SweepRate = 1000
)

// AskEvery is how often WeChat Pay is asked about one order because its customer says to have paid. The sweep asks by
// itself after 5 and 30 s, and a payment is known there at once.
const AskEvery = 3 * time.Second

const (
	// ResultLife and H5URLLife are how long after WeChat Pay gave it something to pay by is still handed out. It
	// gives a prepay_id 2 hours (doc 4012791856) and an h5_url 5 minutes (doc 4012791834); the rest is for the
	// customer's way to it.
	ResultLife = 2*time.Hour - 5*time.Minute
	H5URLLife  = 5*time.Minute - time.Minute
)

const (
	// ReasonMax is in bytes, by WeChat Pay (doc 4013071036): 26 Chinese characters.
	ReasonMax = 80

	// RefundsMax, RefundEvery and RefundWithin are WeChat Pay's: 50 refunds of a payment, a minute apart, within a year.
	RefundsMax   = 50
	RefundEvery  = time.Minute
	RefundWithin = 365 * 24 * time.Hour
)

// SealAfter is how long after midnight a day's root is written: longer than any transaction takes.
const SealAfter = 10 * time.Minute

// GiveBackAgain is the pause before money that must go back is asked for again after WeChat Pay gave the refund
// up, for example because the merchant's balance was short for a week.
const GiveBackAgain = time.Hour

const (
	// BillHour is when the bill of the day before is there, by Beijing's clock (doc 4012075249).
	BillHour = 10 * time.Hour

	// BillMonths is how far back WeChat Pay has bills (doc 4013071227).
	BillMonths = 3

	// ReconcileBack is how many days back a missing report is made up for: a server that was off for a week.
	ReconcileBack = 7

	// DifferencesMax bounds what a report lists; all differences are counted.
	DifferencesMax = 1000
)

const (
	// WebhookLimit is how long a merchant's server may take to answer a webhook, by the Standard Webhooks specification
	// (15 to 30 s). WebhookLease is how long a claim holds: longer than a POST and the note of it.
	WebhookLimit = 15 * time.Second
	WebhookLease = WebhookLimit + 15*time.Second

	// WebhookParallel is how many webhooks of one merchant are under way at once: enough for 80 orders a second if its
	// server takes a tenth of a second, and not so many that they weigh on it.
	WebhookParallel = 8

	// WebhookGrace is how long webhooks under way may take when the program ends. What is broken off is sent again.
	WebhookGrace = 5 * time.Second

	// WebhookFailuresMax and WebhookFailingMax: an endpoint of which so many tries have failed in a row, over at least so
	// long, is stopped. A restart of the merchant's server is shorter. WebhookProbeEvery is how often it is tried then.
	WebhookFailuresMax = 5
	WebhookFailingMax  = 30 * time.Minute
	WebhookProbeEvery  = 15 * time.Minute

	// RetryAfterMax bounds what a merchant's server may ask us to wait.
	RetryAfterMax = 24 * time.Hour

	// ResendMax bounds what one wish sends again.
	ResendMax = 10_000
)
