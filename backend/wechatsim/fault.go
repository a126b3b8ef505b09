package wechatsim

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Faults are the switches that make the simulator misbehave. Each is a count: the next N occasions are struck, one
// after the other, so that a test is exact; -1 strikes until it is set to 0. The zero value is a good day.
//
// When several switches of one group are set, the first in the order below strikes and the others wait.
type Faults struct {
	// Prepay, Query and the others of their kind strike the calls of the API.
	Prepay      CallFaults `json:"prepay"`
	Query       CallFaults `json:"query"`
	Close       CallFaults `json:"close"`
	Refund      CallFaults `json:"refund"`
	QueryRefund CallFaults `json:"query_refund"`
	// AbnormalRefund strikes apply-abnormal-refund.
	AbnormalRefund CallFaults `json:"abnormal_refund"`
	// Bill strikes the requests for both kinds of bill, Download that for the file.
	Bill     CallFaults `json:"bill"`
	Download CallFaults `json:"download"`
	// Certificates strikes GET /v3/certificates, Echo the self-test.
	Certificates CallFaults `json:"certificates"`
	Echo         CallFaults `json:"echo"`
	// AccessToken strikes the exchange of a code for an openid. It is not signed, so those of its signature do nothing.
	AccessToken CallFaults `json:"access_token"`
	// BillFile spoils what bills say.
	BillFile BillFaults `json:"bill_file"`
	// RefundOutcome decides what becomes of a refund.
	RefundOutcome RefundFaults `json:"refund_outcome"`
	// Stale lets a query by out_trade_no answer NOTPAY although the order was paid: that side of WeChat Pay lags.
	Stale int `json:"stale"`
	// PayLate lets a customer pay after time_expire: he had begun before. The order must not be closed yet.
	PayLate int `json:"pay_late"`
	// PayClosed lets a customer pay an order that is closed: he was typing his password, and WeChat Pay broke its word.
	// So a customer comes to pay twice for the same goods.
	PayClosed int `json:"pay_closed"`
	// RefuseYoungClose refuses to close an order younger than 5 minutes: 403 RULE_LIMIT.
	RefuseYoungClose int `json:"refuse_young_close"`
	// Callback strikes the callbacks.
	Callback CallbackFaults `json:"callback"`
}

// CallFaults are the ways in which one kind of call goes wrong. A struck call has passed all checks of its signature.
type CallFaults struct {
	// TooMany answers 429 FREQUENCY_LIMITED and does nothing.
	TooMany int `json:"too_many"`
	// Unavailable answers 503 SERVICE_UNAVAILABLE and does nothing.
	Unavailable int `json:"unavailable"`
	// BadGateway answers 502 SERVICE_UNAVAILABLE and does nothing.
	BadGateway int `json:"bad_gateway"`
	// ErrorBefore answers 500 SYSTEM_ERROR and does nothing.
	ErrorBefore int `json:"error_before"`
	// ErrorAfter does the work and answers 500 SYSTEM_ERROR all the same.
	ErrorAfter int `json:"error_after"`
	// HangBefore does nothing and answers nothing until the client gives up.
	HangBefore int `json:"hang_before"`
	// HangAfter does the work and answers nothing until the client gives up.
	HangAfter int `json:"hang_after"`
	// BadSignature answers well, but signed by someone else's key.
	BadSignature int `json:"bad_signature"`
	// ProbeSignature answers well, but with a WECHATPAY/SIGNTEST/ signature (签名探测).
	ProbeSignature int `json:"probe_signature"`
	// CustomerPays lets the customer pay in the middle of the call: after a prepay is done, before a query or a close
	// is. The callback is answered, or has failed, before the call goes on. Combines with the other switches. Calls
	// that are not about an unpaid order have nothing to be paid.
	CustomerPays int `json:"customer_pays"`
}

// RefundFaults decide what becomes of refunds. The first two refuse one and leave no trace of it, so that the same
// number may be used again; the others wait for the next that is accepted, or set off again after it was ABNORMAL.
type RefundFaults struct {
	// NotEnough answers 403 NOT_ENOUGH, as when the merchant's balance is too small for the refund.
	NotEnough int `json:"not_enough"`
	// AccountAbnormal answers 403 USER_ACCOUNT_ABNORMAL: the customer's account cannot take money.
	AccountAbnormal int `json:"account_abnormal"`

	// Abnormal ends a refund as ABNORMAL: the customer's card is dead.
	Abnormal int `json:"abnormal"`
	// Closed ends a refund as CLOSED, and the money stays with the merchant.
	Closed int `json:"closed"`
	// Stay leaves a refund PROCESSING until FinishRefund or POST /_sim/refunds ends it.
	Stay int `json:"stay"`
}

// refusal says why a refund is refused on purpose, or nil.
func (f *RefundFaults) refusal() error {
	switch {
	case take(&f.NotEnough):
		return notEnough()
	case take(&f.AccountAbnormal):
		return &refusal{status: http.StatusForbidden, number: numberNotPublished, Code: "USER_ACCOUNT_ABNORMAL",
			Message: "退款请求失败，用户账户异常"}
	}
	return nil
}

// end is the state in which the next refund ends; "" is never, by itself.
func (f *RefundFaults) end() RefundState {
	switch {
	case take(&f.Abnormal):
		return RefundAbnormal
	case take(&f.Closed):
		return RefundClosed
	case take(&f.Stay):
		return ""
	}
	return RefundSucceeded
}

// CallbackFaults are the ways in which a callback goes wrong. Late, Double and Parallel strike a payment, the end of a
// refund or an echo; the others strike a single send, so that 1 spoils the first and leaves the resend good.
// NoAssociatedData, Reordered and LowerCase are unusual but right: a merchant must accept them. All others of one send
// must not be accepted.
type CallbackFaults struct {
	// Late delays the first send by LateSeconds, divided by Options.Speed. LateSeconds 0 is 60.
	Late        int `json:"late"`
	LateSeconds int `json:"late_seconds"`
	// Parallel sends ParallelSends times at once. ParallelSends 0 is 3; more than 100 are 100.
	Parallel      int `json:"parallel"`
	ParallelSends int `json:"parallel_sends"`
	// Double sends a second time, also after the first was accepted.
	Double int `json:"double"`

	// Lose sends nothing; the schedule goes on as if the merchant had not answered.
	Lose int `json:"lose"`
	// ProbeSignature carries a WECHATPAY/SIGNTEST/ signature (签名探测), which is not even base64.
	ProbeSignature int `json:"probe_signature"`
	// BadSignature is signed by someone else's key.
	BadSignature int `json:"bad_signature"`
	// UnknownSerial names a public key that the merchant does not have.
	UnknownSerial int `json:"unknown_serial"`
	// OldTimestamp was signed well, ten minutes ago: a replay.
	OldTimestamp int `json:"old_timestamp"`
	// Truncated loses the second half of the body on the way.
	Truncated int `json:"truncated"`
	// NoResource is signed well but has no resource.
	NoResource int `json:"no_resource"`
	// WrongNonce is signed well but the nonce for decryption has 16 bytes, not 12.
	WrongNonce int `json:"wrong_nonce"`
	// NoAssociatedData is encrypted without associated_data and leaves the field out.
	NoAssociatedData int `json:"no_associated_data"`
	// Reordered has its JSON fields in another order.
	Reordered int `json:"reordered"`
	// LowerCase writes the names of the Wechatpay-* and other headers in lower case, as a proxy does.
	LowerCase int `json:"lower_case"`
	// WrongAmount says one fen more than was ordered, well signed.
	WrongAmount int `json:"wrong_amount"`
	// OtherMerchant names another mchid, well signed.
	OtherMerchant int `json:"other_merchant"`
}

// SetFaults replaces all switches.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Faults are the switches with what is left of their counts.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// take says whether a switch strikes now, and counts it down.
func take(count *int) bool {
	if *count > 0 {
		*count--
		return true
	}
	return *count < 0
}

// A callFault is what happens to one call; the zero value is nothing.
type callFault struct {
	undone       bool         // the work is not done
	hangs        bool         // no answer comes
	answer       *refusal     // instead of the right answer
	spoil        func(*seals) // to the signature of a 2xx answer
	customerPays bool
}

// callFault decides what happens to a call of e.
func (s *Server) callFault(e endpoint) callFault {
	if e.faults == nil {
		return callFault{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := e.faults(&s.faults)
	fault := f.next()
	fault.customerPays = !fault.undone && take(&f.CustomerPays)
	return fault
}

func (f *CallFaults) next() callFault {
	switch {
	case take(&f.TooMany):
		return callFault{undone: true, answer: &refusal{status: http.StatusTooManyRequests, number: numberFrequency,
			Code: "FREQUENCY_LIMITED", Message: "请求频率超限，请降低请求接口频率"}}
	case take(&f.Unavailable):
		return callFault{undone: true, answer: unavailable(http.StatusServiceUnavailable)}
	case take(&f.BadGateway):
		return callFault{undone: true, answer: unavailable(http.StatusBadGateway)}
	case take(&f.ErrorBefore):
		return callFault{undone: true, answer: systemError()}
	case take(&f.ErrorAfter):
		return callFault{answer: systemError()}
	case take(&f.HangBefore):
		return callFault{undone: true, hangs: true}
	case take(&f.HangAfter):
		return callFault{hangs: true}
	case take(&f.BadSignature):
		return callFault{spoil: foreignSignature}
	case take(&f.ProbeSignature):
		return callFault{spoil: probeSignature}
	}
	return callFault{}
}

func unavailable(status int) *refusal {
	return &refusal{status: status, number: numberNotPublished, Code: "SERVICE_UNAVAILABLE",
		Message: "服务不可用，请稍后重试"}
}

// A plan is how the first send of a payment's callback goes; the zero value is one send at once.
type plan struct {
	delay    time.Duration // before Options.Speed
	copies   int           // sent beside the first
	parallel bool          // all at once, not one after the other
}

func (f *CallbackFaults) plan() plan {
	var p plan
	if take(&f.Late) {
		p.delay = time.Duration(orDefault(f.LateSeconds, 60)) * time.Second
	}
	switch {
	case take(&f.Parallel):
		p.copies, p.parallel = min(orDefault(f.ParallelSends, 3), 100)-1, true
	case take(&f.Double):
		p.copies = 1
	}
	return p
}

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// A damage is what is done to one send of a callback, each hook at its own stage of the making; nil hooks do nothing.
type damage struct {
	name     string
	lost     bool
	content  func(message) message // before it is encrypted
	bare     bool                  // encrypted without associated_data
	envelope func(*envelope)       // around the encrypted content
	body     func([]byte) []byte   // before it is signed
	age      time.Duration         // of the timestamp that is signed
	seals    func(*seals)          // after it was signed
	wire     func([]byte) []byte   // to the signed body, on its way
	header   func(string) string   // to the names of the headers
}

func (f *CallbackFaults) next() damage {
	switch {
	case take(&f.Lose):
		return damage{name: "lose", lost: true}
	case take(&f.ProbeSignature):
		return damage{name: "probe_signature", seals: probeSignature}
	case take(&f.BadSignature):
		return damage{name: "bad_signature", seals: foreignSignature}
	case take(&f.UnknownSerial):
		return damage{name: "unknown_serial", seals: func(x *seals) { x.serial = "PUB_KEY_ID_" + randomOf(digits, 30) }}
	case take(&f.OldTimestamp):
		return damage{name: "old_timestamp", age: 2 * clockTolerance}
	case take(&f.Truncated):
		return damage{name: "truncated", wire: func(body []byte) []byte { return body[:len(body)/2] }}
	case take(&f.NoResource):
		return damage{name: "no_resource", envelope: func(e *envelope) { e.Resource = nil }}
	case take(&f.WrongNonce):
		return damage{name: "wrong_nonce", envelope: func(e *envelope) { e.Resource.Nonce += "0123" }}
	case take(&f.NoAssociatedData):
		return damage{name: "no_associated_data", bare: true}
	case take(&f.Reordered):
		return damage{name: "reordered", body: reorder}
	case take(&f.LowerCase):
		return damage{name: "lower_case", header: strings.ToLower}
	case take(&f.WrongAmount):
		return damage{name: "wrong_amount", content: message.withWrongAmount}
	case take(&f.OtherMerchant):
		return damage{name: "other_merchant", content: message.withOtherMerchant}
	}
	return damage{}
}

// probeSignature is what WeChat Pay sends to see whether a merchant verifies at all.
func probeSignature(x *seals) { x.signature = "WECHATPAY/SIGNTEST/" + x.signature }

// foreignSignature has the right form and length, and was not made by WeChat Pay: random bytes pass for a signature
// of a key that nobody knows.
func foreignSignature(x *seals) { x.signature = randomOf(alphanumeric, len(x.signature)-2) + "==" }

// reorder sorts the fields by name, which is not the order in which WeChat Pay writes them.
func reorder(body []byte) []byte {
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return body
	}
	return encode(members)
}

// otherMchID differs from mchID in the last digit.
func otherMchID(mchID string) string {
	last := len(mchID) - 1
	return mchID[:last] + string('0'+(mchID[last]-'0'+1)%10)
}
