// Package wechat is WeChat Pay (微信支付 APIv3; Native, JSAPI and H5) behind the words of [pay.Gateway], [pay.RefundGateway]
// and [pay.BillGateway], through the official SDK. The SDK's pointers, errors and habits end here: its texts span
// lines and repeat requests, so none of them leaves this package as it is.
//
// Each merchant has a client of its own. Answers and callbacks are verified with the WeChat Pay public key (微信支付公钥),
// with platform certificates (微信支付平台证书), or with both while WeChat Pay switches a merchant over.
package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"

	"saoma/backend/pay"
)

// Options of a [Gateway].
type Options struct {
	Transport http.RoundTripper // carries the calls; nil: the network, without a proxy
	Log       *slog.Logger      // one line for each call that fails, and at debug level one for each try; nil: silent
	TempDir   string            // keeps a bill while it is read, some hundred bytes a row; empty: the system's

	// Called is told of every try of a call: what was called, how it ended ("ok", one of WeChat Pay's error codes, or
	// a word of ours; some dozens in all), and how long it took. It must not block. nil: nobody counts.
	Called func(op, result string, took time.Duration)

	// Retries is how often a call is tried again after trouble that may pass, within the call's time limit.
	Retries int
}

// A Gateway calls WeChat Pay for several merchants and opens its callbacks. Its methods may be called at once.
type Gateway struct {
	accounts  atomic.Pointer[map[pay.MerchantID]*account] // never altered, only replaced
	transport http.RoundTripper
	log       *slog.Logger
	tempDir   string
	retries   int
	called    func(op, result string, took time.Duration)

	replacing    sync.Mutex // guards the next
	certificates map[certificatesKey]*certificates
}

var _ pay.Gateway = (*Gateway)(nil)

// New checks the accounts and makes a client for each. It does not call WeChat Pay.
func New(accounts map[pay.MerchantID]Account, o Options) (*Gateway, error) {
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Called == nil {
		o.Called = func(string, string, time.Duration) {}
	}
	g := &Gateway{
		transport: o.Transport, log: o.Log, tempDir: o.TempDir, retries: max(o.Retries, 0), called: o.Called,
		certificates: make(map[certificatesKey]*certificates),
	}
	if err := g.Replace(accounts); err != nil {
		return nil, err
	}
	return g, nil
}

// A prepayAnswer is what the three calls answer, each with its one field.
type prepayAnswer struct {
	CodeURL  string `json:"code_url"`
	PrepayID string `json:"prepay_id"`
	H5URL    string `json:"h5_url"`
}

// transactionsPath is where the calls about orders are. A service provider has its own (doc 4012738659).
func (a Account) transactionsPath() string {
	if a.SubMchID != "" {
		return "/v3/pay/partner/transactions/"
	}
	return "/v3/pay/transactions/"
}

// orderPath is where the calls about one order are.
func (a Account) orderPath(outTradeNo string) string {
	return consts.WechatPayAPIServer + a.transactionsPath() + "out-trade-no/" + url.PathEscape(outTradeNo)
}

// payee are the parameters by which calls say whose the order is.
func (a Account) payee() map[string]string {
	if a.SubMchID != "" {
		return map[string]string{"sp_mchid": a.MchID, "sub_mchid": a.SubMchID}
	}
	return map[string]string{"mchid": a.MchID}
}

// prepayName and result say what a channel is called at WeChat Pay.
func prepayName(ch pay.Channel) string {
	switch ch {
	case pay.JSAPI:
		return "jsapi"
	case pay.H5:
		return "h5"
	}
	return "native"
}

func (a prepayAnswer) result(ch pay.Channel) (field, value string) {
	switch ch {
	case pay.JSAPI:
		return "prepay_id", a.PrepayID
	case pay.H5:
		return "h5_url", a.H5URL
	}
	return "code_url", a.CodeURL
}

// resultMax bounds what is paid by, in bytes. The documents give 64 to 256; a longer code_url would still make a QR
// code that a phone reads, a far longer one would not.
const resultMax = 512

// Prepay implements [pay.Gateway]. The request is posted and signed byte for byte as given.
func (g *Gateway) Prepay(ctx context.Context, m pay.MerchantID, ch pay.Channel, request []byte) (result string, err error) {
	const op = "prepay"
	a, err := g.call(ctx, op, m, http.StatusOK, func(ctx context.Context, a *account) (*core.APIResult, error) {
		return a.client.Post(ctx, consts.WechatPayAPIServer+a.transactionsPath()+prepayName(ch), request)
	})
	if err != nil {
		return "", err
	}
	var made prepayAnswer
	if err := json.Unmarshal(a.body, &made); err != nil {
		return "", a.unsure(op, fmt.Errorf("decode the answer: %w", err))
	}
	field, result := made.result(ch)
	if result == "" || len(result) > resultMax {
		return "", a.unsure(op, fmt.Errorf("%s has %d bytes", field, len(result)))
	}
	if ch == pay.H5 && !isPage(result) {
		return "", a.unsure(op, errors.New("h5_url is not a page's address with a query"))
	}
	return result, nil
}

// isPage holds what an h5_url must be for a redirect_url to be appended.
func isPage(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.RawQuery != "" && u.Fragment == ""
}

// Query implements [pay.Gateway].
func (g *Gateway) Query(ctx context.Context, m pay.MerchantID, outTradeNo string) (pay.Trade, error) {
	const op = "query"
	a, err := g.call(ctx, op, m, http.StatusOK, func(ctx context.Context, a *account) (*core.APIResult, error) {
		query := url.Values{}
		for name, value := range a.payee() {
			query.Set(name, value)
		}
		return a.client.Get(ctx, a.orderPath(outTradeNo)+"?"+query.Encode())
	})
	if err != nil {
		return pay.Trade{}, err
	}
	t, err := decodeTransaction(a.body)
	if err != nil {
		return pay.Trade{}, a.unsure(op, err)
	}
	// The signature of an answer does not cover the question.
	if t.OutTradeNo != outTradeNo {
		return pay.Trade{}, a.unsure(op, fmt.Errorf("the answer is about out_trade_no %.40q", t.OutTradeNo))
	}
	trade, err := t.trade(m, a.signedAt)
	if err != nil {
		return pay.Trade{}, a.unsure(op, err)
	}
	return trade, nil
}

// Close implements [pay.Gateway].
func (g *Gateway) Close(ctx context.Context, m pay.MerchantID, outTradeNo string) error {
	const op, done = "close", http.StatusNoContent
	_, err := g.call(ctx, op, m, done, func(ctx context.Context, a *account) (*core.APIResult, error) {
		return a.client.Post(ctx, a.orderPath(outTradeNo)+"/close", a.payee())
	})
	return err
}

// An answer is a 2xx answer whose signature was good.
type answer struct {
	status    int
	body      []byte
	requestID string
	signedAt  time.Time
}

// unsure is the failure of a call whose answer is genuine but not understood.
func (a answer) unsure(op string, err error) error {
	return &pay.GatewayError{
		Op: op, Outcome: pay.Unsure, Status: a.status, RequestID: a.requestID, Err: inOneLine(err),
	}
}

// call sends one request, again if need be, and returns its answer, if that has the wanted status and a good
// signature. It is not made while the merchant's circuit is open.
func (g *Gateway) call(ctx context.Context, op string, m pay.MerchantID, want int,
	send func(context.Context, *account) (*core.APIResult, error),
) (a answer, err error) {
	account := g.account(m)
	if account == nil {
		return answer{}, noAccount(op, m)
	}
	leave, err := account.circuit.enter(ctx, op)
	if err != nil {
		return answer{}, err
	}
	ended := errUnfinished
	defer func() { leave(ended) }() // even if the SDK panics: what does not leave keeps its place for ever
	a, ended = g.exchange(ctx, pay.CallLimit, op, m, account, want, send)
	return a, ended
}

// noAccount is the failure of a call for a merchant that is not configured. It is unsure, for it says nothing about
// calls made before the merchant left the configuration.
func noAccount(op string, m pay.MerchantID) error {
	return &pay.GatewayError{Op: op, Err: fmt.Errorf("merchant %.40q has no account", string(m))}
}

// exchange is a call with a limit of its own, past the circuit: a download takes minutes, and says little about
// the calls that customers wait for.
func (g *Gateway) exchange(ctx context.Context, limit time.Duration, op string, m pay.MerchantID, account *account,
	want int, send func(context.Context, *account) (*core.APIResult, error),
) (answer, error) {
	t := tries{
		log: g.log, called: g.called, retries: g.retries, op: op, merchant: m, want: want, send: send,
		account: account, caller: ctx, stream: limit > pay.CallLimit, host: account.hosts.start(),
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	a, err := t.run(limited)
	if err != nil {
		t.logFailure(ctx, err)
	}
	return a, err
}
