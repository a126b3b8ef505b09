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
