package wechatsim

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The lives of an order and of its code, as WeChat Pay publishes them.
const (
	codeLife       = 2 * time.Hour       // then the code_url or the prepay_id is dead
	h5Life         = 5 * time.Minute     // in which an h5_url can be opened
	minPayable     = time.Minute         // an earlier time_expire is moved to this
	maxPayable     = 15 * 24 * time.Hour // a later one is cut to this
	defaultPayable = 7 * 24 * time.Hour  // without time_expire
	unpaidLife     = 7 * 24 * time.Hour  // then WeChat Pay closes the order itself
)

// A State is the trade_state of an order.
type State string

// The states that an order can have. The first refund that is accepted turns SUCCESS into REFUND for ever, also
// when it is partial, and whatever becomes of it.
const (
	StateNotPaid  State = "NOTPAY"
	StatePaid     State = "SUCCESS"
	StateRefunded State = "REFUND"
	StateClosed   State = "CLOSED"
)

// DefaultPayer is who pays when nobody is named.
const DefaultPayer = "小明"

// A Trade is one order as WeChat Pay sees it. Amounts are in fen.
type Trade struct {
	OutTradeNo    string    `json:"out_trade_no"`
	Description   string    `json:"description"`
	Attach        string    `json:"attach"`
	NotifyURL     string    `json:"notify_url"`
	Total         int64     `json:"total"` // fen
	Currency      string    `json:"currency"`
	DeviceID      string    `json:"device_id"`
	TradeType     string    `json:"trade_type"`          // TypeNative, TypeJSAPI or TypeH5
	SubMchID      string    `json:"sub_mchid,omitempty"` // whose it is, if it has a service provider
	SubAppID      string    `json:"sub_appid,omitempty"` // as the order named it
	State         State     `json:"state"`
	CodeURL       string    `json:"code_url"`  // of a Native order: the living one, or the last that lived
	PrepayID      string    `json:"prepay_id"` // of the others, likewise
	H5URL         string    `json:"h5_url"`    // of an H5 order, likewise
	CreatedAt     time.Time `json:"created_at"`
	CodeExpiresAt time.Time `json:"code_expires_at"` // the code is dead from here on; an h5_url cannot be opened any more
	PayableUntil  time.Time `json:"payable_until"`   // the last moment to pay; the order is not closed by it
	ScannedBy     string    `json:"scanned_by"`      // the only account that may pay; empty: nobody scanned yet

	// OpenID is that of a JSAPI order's request, and of any other's payer.
	OpenID string `json:"openid"`

	// The rest is empty until paid.
	TransactionID string    `json:"transaction_id"`
	Payer         string    `json:"payer"`
	PaidAt        time.Time `json:"paid_at,omitzero"`

	Refunds   []Refund   `json:"refunds"`   // accepted ones, oldest first
	Callbacks []Delivery `json:"callbacks"` // about the payment, oldest first
}

// A Delivery is one send of a callback and how it ended. Accepted is a Status of 200 or 204.
type Delivery struct {
	At     time.Time `json:"at"`
	Status int       `json:"status"` // of the merchant's answer; 0: none came
	Err    string    `json:"error"`  // why none came
	Fault  string    `json:"fault"`  // what was done to it on purpose
}

// A PayError is why a customer cannot pay. Message is what the phone shows.
type PayError struct {
	Code    string // for programs
	Message string
}

func (e *PayError) Error() string { return "pay: " + e.Code + ": " + e.Message }

// What may keep a customer from paying; test with errors.Is. The texts of ErrTooLate and ErrOtherPayer are those that
// WeChat Pay's pages quote; the pages do not show the others.
var (
	ErrUnknownCode = &PayError{"unknown_code", "无法识别的二维码"}
	ErrDeadCode    = &PayError{"dead_code", "二维码已失效，请重新获取"}
	ErrOrderClosed = &PayError{"order_closed", "订单已关闭，请重新下单"}
	ErrTooLate     = &PayError{"too_late", "订单已超过商户设置的最晚支付成功时间，请重新发起支付"}
	ErrAlreadyPaid = &PayError{"already_paid", "订单已支付，请勿重复支付"}
	ErrOtherPayer  = &PayError{"other_payer", "商家订单信息有误，请重新下单支付"}
)

// A trade is a Trade and what the outside does not see.
type trade struct {
	Trade
	params        string // the request's parameters in one canonical form, to compare a repeated request with
	pageAppID     string // the appid that OpenID is under
	opened        string // the prepay_id whose h5_url was opened in time
	profitSharing bool
	fee           int64 // fen, what WeChat Pay keeps of the payment
	refunds       []*refund
}

// paid says whether the money came, be it refunded by now or not.
func (t *trade) paid() bool { return t.State == StatePaid || t.State == StateRefunded }

// A book holds all orders of the merchant and its money. It is plain data: Server.mu guards it.
type book struct {
	byNumber map[string]*trade
	byCode   map[string]*trade // every code_url and prepay_id ever given, also dead ones
	byID     map[string]*trade // paid orders by transaction_id
	all      []*trade          // oldest first

	refunds    map[string]*refund // by out_refund_no
	allRefunds []*refund          // oldest first
	account    account
}

func newBook(m Merchant) *book {
	balances := map[string]int64{"": openingBalance}
	for _, x := range m.SubMerchants {
		balances[x.MchID] = openingBalance
	}
	return &book{byNumber: map[string]*trade{}, byCode: map[string]*trade{}, byID: map[string]*trade{},
		refunds: map[string]*refund{}, account: account{balances: balances}}
}

// find gives the order of a number, closed if its time came, or nil.
func (b *book) find(outTradeNo string, now time.Time) *trade {
	t := b.byNumber[outTradeNo]
	if t != nil {
		t.age(now)
	}
	return t
}

// age closes an order that stayed unpaid too long, as WeChat Pay does by itself.
func (t *trade) age(now time.Time) {
	end := t.CreatedAt.Add(unpaidLife)
	if t.PayableUntil.After(end) {
		end = t.PayableUntil
	}
	if t.State == StateNotPaid && now.After(end) {
		t.State = StateClosed
	}
}

// add enters a new order, still without a code. wish is the time_expire sent, or zero.
func (b *book) add(t Trade, params string, wish, now time.Time) *trade {
	t.State, t.CreatedAt = StateNotPaid, now
	t.PayableUntil = now.Add(defaultPayable)
	if !wish.IsZero() {
		t.PayableUntil = wish
		if earliest := now.Add(minPayable); wish.Before(earliest) {
			t.PayableUntil = earliest
		}
		if latest := now.Add(maxPayable); wish.After(latest) {
			t.PayableUntil = latest
		}
	}
	entry := &trade{Trade: t, params: params}
	b.byNumber[t.OutTradeNo] = entry
	b.all = append(b.all, entry)
	return entry
}

// newCode gives an order a code, or what the other methods have in its place; the one before is dead from now on. base
// is the address of the simulator, for the page of an h5_url.
func (b *book) newCode(t *trade, base string, now time.Time) {
	t.CodeExpiresAt = now.Add(codeLife)
	if t.TradeType == TypeNative {
		t.CodeURL = "weixin://wxpay/bizpayurl?pr=" + randomOf(alphanumeric, 9)
	} else {
		t.PrepayID = "wx" + now.In(beijing()).Format("20060102150405") + randomOf("0123456789abcdef", 20)
	}
	if t.TradeType == TypeH5 {
		t.CodeExpiresAt = now.Add(h5Life)
		t.H5URL = base + h5Path + "?prepay_id=" + t.PrepayID + "&package=" + randomOf(digits, 10)
	}
	b.byCode[t.key()] = t
}

// key is what an order is paid by: the living code_url or prepay_id, or the last that lived.
func (t *Trade) key() string { return cmp.Or(t.CodeURL, t.PrepayID) }

// given is what the merchant was given of it.
func (t *Trade) given() string { return cmp.Or(t.CodeURL, t.H5URL, t.PrepayID) }

// scan shows an order to a customer. The first account to scan is the only one that may pay.
func (b *book) scan(key, payer string, now time.Time) (*trade, error) {
	t, err := b.payable(key, now)
	if err != nil {
		return nil, err
	}
	return b.bind(t, payer)
}

// payable finds the order that can be paid by a code_url or a prepay_id.
func (b *book) payable(key string, now time.Time) (*trade, error) {
	t := b.byCode[key]
	if t == nil {
		return nil, ErrUnknownCode
	}
	t.age(now)
	switch {
	case t.paid():
		return nil, ErrAlreadyPaid
	case t.State == StateClosed:
		return nil, ErrOrderClosed
	case t.key() != key || !now.Before(t.CodeExpiresAt) && t.opened != key:
		return nil, ErrDeadCode
	case now.After(t.PayableUntil):
		return nil, ErrTooLate
	}
	return t, nil
}

// bind makes an order that of its first account; a JSAPI order is made for one.
func (b *book) bind(t *trade, payer string) (*trade, error) {
	if t.ScannedBy != "" && t.ScannedBy != payer || t.OpenID != "" && t.OpenID != openID(t.pageAppID, payer) {
		return nil, ErrOtherPayer
	}
	t.ScannedBy = payer
	return t, nil
}

// pay lets a customer pay. Two faults let him do it after the last moment, or when the order is closed.
func (b *book) pay(key, payer string, now time.Time, f *Faults) (*trade, error) {
	t, err := b.scan(key, payer, now)
	if errors.Is(err, ErrTooLate) && take(&f.PayLate) || errors.Is(err, ErrOrderClosed) && take(&f.PayClosed) {
		t, err = b.bind(b.byCode[key], payer)
	}
	if err != nil {
		return nil, err
	}
	t.State, t.Payer, t.PaidAt = StatePaid, payer, now
	t.OpenID = openID(t.pageAppID, payer)
	t.TransactionID = "42000" + randomOf(digits, 5) + now.In(beijing()).Format("20060102") + randomOf(digits, 10)
	b.byID[t.TransactionID] = t
	t.fee = feeOf(t.Total)
	b.account.book(entry{at: now, of: t.SubMchID, payment: t}, t.Total-t.fee)
	return t, nil
}

// newest gives copies of at most limit orders, the newest first. 0: all.
func (b *book) newest(limit int, now time.Time) []Trade {
	from := 0
	if limit > 0 {
		from = max(0, len(b.all)-limit)
	}
	list := make([]Trade, 0, len(b.all)-from)
	for _, t := range slices.Backward(b.all[from:]) {
		t.age(now)
		list = append(list, t.copy())
	}
	return list
}

// copy is safe to hand out: it shares nothing that changes.
func (t *trade) copy() Trade {
	c := t.Trade
	c.Callbacks = append([]Delivery{}, t.Callbacks...)
	c.Refunds = make([]Refund, 0, len(t.refunds))
	for _, r := range t.refunds {
		c.Refunds = append(c.Refunds, r.copy())
	}
	return c
}

// openID is the payer's id under one appid: the same account pays under the same id, under another appid another.
func openID(appID, payer string) string {
	sum := sha256.Sum256([]byte(appID + "\n" + payer))
	return "o" + base64.RawURLEncoding.EncodeToString(sum[:])[:27]
}

// beijing is the zone in which WeChat Pay writes all times. China has no summer time.
func beijing() *time.Location { return time.FixedZone("+08:00", 8*60*60) }

// rfc3339 is how WeChat Pay writes a time in JSON.
func rfc3339(t time.Time) string { return t.In(beijing()).Format(time.RFC3339) }

// Pay lets a customer scan codeURL and pay; the callback follows by itself. payer names the account, "" is
// DefaultPayer. When it cannot be paid the error is one of the *PayError values of this package.
func (s *Server) Pay(codeURL, payer string) (Trade, error) {
	return s.pay(TypeNative, codeURL, payer)
}

// pay lets a customer pay an order of the trade type by its code_url or prepay_id.
func (s *Server) pay(tradeType, key, payer string) (Trade, error) {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.book.byCode[key]; t != nil && t.TradeType != tradeType {
		return Trade{}, fmt.Errorf("simulator: %w", ErrUnknownCode)
	}
	t, err := s.book.pay(key, cmp.Or(payer, DefaultPayer), now, &s.faults)
	if err != nil {
		return Trade{}, fmt.Errorf("simulator: %w", err)
	}
	s.announce(t.notification(s.merchant, now))
	return t.copy(), nil
}

// Scan lets a customer scan codeURL and look at the sum, without paying yet. From then on nobody else can pay it.
// Errors are those of Pay.
func (s *Server) Scan(codeURL, payer string) (Trade, error) {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.book.scan(codeURL, cmp.Or(payer, DefaultPayer), now)
	if err != nil {
		return Trade{}, fmt.Errorf("simulator: %w", err)
	}
	return t.copy(), nil
}

// Trades is a snapshot of all orders, the newest first.
func (s *Server) Trades() []Trade { return s.newestTrades(0) }

func (s *Server) newestTrades(limit int) []Trade {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.newest(limit, now)
}
