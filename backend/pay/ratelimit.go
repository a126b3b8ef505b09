package pay

// Limits are how often a merchant's servers and customers may call. They are kept with the merchant; whoever takes
// the calls holds them. 0: the default.
type Limits struct {
	Requests  int // by the merchant's servers, in a minute
	Checkouts int // made from one address, in a minute
}

const (
	// RequestsDefault is a hundred a second, which a shop's own server does not reach by itself.
	RequestsDefault = 6000
	// CheckoutsDefault leaves room for a shop's guests behind one address of its network.
	CheckoutsDefault = 120
)
