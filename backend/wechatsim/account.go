package wechatsim

import "time"

// openingBalance is what the merchant's account holds at the start, in fen: more than a test will refund.
const openingBalance = 1_000_000_000_000

// feeBasisPoints is what WeChat Pay keeps of a payment, in hundredths of a percent; feeRate is how bills write it. The
// published bills have this rate.
const (
	feeBasisPoints = 100
	feeRate        = "1.00%"
)

// feeOf is the fee of a payment in fen, rounded to the nearest. The total is split first: a product could overflow.
func feeOf(total int64) int64 {
	const whole = 10_000
	return total/whole*feeBasisPoints + (total%whole*feeBasisPoints+whole/2)/whole
}

// An account is the merchant's money at WeChat Pay and what moved it, from which all bills are written.
type account struct {
	balances map[string]int64 // fen, of each merchant of a service provider; "" is the merchant itself
	journal  []entry          // in the order of booking; only ever appended to, so that a bill may read a part without a lock
}

// An entry is a payment, or a refund at its acceptance, or many payments. It never changes.
type entry struct {
	at      time.Time
	of      string // the merchant of a service provider whose it is; "": the merchant itself
	payment *trade
	refund  *refund
	many    *crowd
	balance int64 // fen, before the entry
}

// A crowd is payments that are not kept one by one but made when a bill asks for them.
type crowd struct {
	n     int
	trade func(i int) Trade
}

// book enters e, whose money changes the balance by change fen.
func (a *account) book(e entry, change int64) {
	e.balance = a.balances[e.of]
	a.balances[e.of] += change
	a.journal = append(a.journal, e)
}

// AddPaid adds n paid orders that exist in bills and in the balance only, and cost no memory: trade(i), with i from 0
// to n-1, is called whenever a bill is written, several times at once and always with the same answer for the same i.
// It says OutTradeNo, TransactionID, Total and PaidAt, and Description, Attach, DeviceID and OpenID where wanted; the
// rest is not looked at.
func (s *Server) AddPaid(n int, trade func(i int) Trade) {
	var sum int64
	for i := range n {
		total := trade(i).Total
		sum += total - feeOf(total)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.account.book(entry{many: &crowd{n: n, trade: trade}}, sum)
}

// SetBalance sets what the merchant's account holds, in fen. A refund that is larger is refused with NOT_ENOUGH until
// the account is topped up, by this or by payments.
func (s *Server) SetBalance(fen int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.account.balances[""] = fen
}

// SubBalance is what the account of a service provider's merchant holds, in fen.
func (s *Server) SubBalance(subMchID string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.account.balances[subMchID]
}

// Balance is what the merchant's account holds, in fen: payments less their fees, less refunds.
func (s *Server) Balance() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.account.balances[""]
}
