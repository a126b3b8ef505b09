// Package wechatsim is a WeChat Pay (微信支付 APIv3) inside this process.
//
// WeChat Pay v3 has no sandbox. This package speaks its HTTP API to any client in any language: it checks every
// request signature as WeChat Pay does, keeps the orders and their rules, signs its 2xx answers, and encrypts, signs
// and resends its callbacks (回调). It is made to be tested against: with no faults set it behaves as WeChat Pay on a
// good day, and [Faults] makes it lose, double, delay and damage exactly what a test wants.
//
//	m, err := wechatsim.NewMerchant()                 // what a merchant holds: ids and keys
//	sim, err := wechatsim.New(wechatsim.Options{Merchant: m})
//	defer sim.Close()
//	server := httptest.NewServer(sim)                 // the address for your client
//	…                                                 // your client makes an order and gets a code_url
//	trade, err := sim.Pay(codeURL, "小明")             // the customer scans and pays; the callback follows
//
// It knows one direct merchant (直连商户), in public-key mode (微信支付公钥) unless Options.Certificates says otherwise,
// and three ways to pay, Native, JSAPI and H5:
//
//	POST /v3/pay/transactions/native
//	POST /v3/pay/transactions/jsapi
//	POST /v3/pay/transactions/h5
//	GET  /connect/oauth2/authorize?appid=&redirect_uri=&response_type=code&scope=snsapi_base&state=
//	GET  /sns/oauth2/access_token?appid=&secret=&code=&grant_type=authorization_code
//	GET  /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid=
//	GET  /v3/pay/transactions/id/{transaction_id}?mchid=
//	POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close
//	POST /v3/refund/domestic/refunds
//	GET  /v3/refund/domestic/refunds/{out_refund_no}
//	POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund
//	GET  /v3/bill/tradebill?bill_date=&bill_type=&tar_type=
//	GET  /v3/bill/fundflowbill?bill_date=&account_type=&tar_type=
//	GET  /v3/billdownload/file?token=                 the download_url of both
//	GET  /v3/certificates                             404 RESOURCE_NOT_EXISTS for a merchant in public-key mode
//	POST /v3/security/echo
//
// Beside the API, for the hands of a test or of a person, answers in JSON:
//
//	GET  /_sim/orders      the newest orders with their callbacks and refunds
//	POST /_sim/scan        {code_url, payer?}  the customer scans and looks at the sum
//	POST /_sim/pay         {code_url, payer?}  the customer pays
//	GET  /_sim/h5          the page of an h5_url, where the customer pays or gives up
//	POST /_sim/h5          {prepay_id, payer?}  the customer pays there
//	GET  /_sim/bridge.js   plays WeixinJSBridge in a page that is not open inside WeChat
//	GET  POST /_sim/jsapi  what it opens: the customer pays, or gives up, a call of getBrandWCPayRequest
//	POST /_sim/login       {payer}  whose WeChat opens pages from now on
//	GET  /_sim/refunds     the newest refunds with their callbacks
//	POST /_sim/refunds     {out_refund_no, state}  ends one that is PROCESSING
//	GET  POST /_sim/balance {balance}          the merchant's money, in fen
//	GET  POST /_sim/faults                     the whole of Faults
//	GET  POST /_sim/signing                    the whole of Signing
//	GET  POST /_sim/clock  {offset_seconds}    moves the clock of WeChat Pay
//	GET  /_sim/phone                           the page that plays the customer's phone
//
// What it is not: it knows no banks, coupons or limits of calls per second; it forgets all orders at a restart; its
// /_sim/ side has no login, so it belongs on a private address. It is milder than WeChat Pay in three points, so that
// it works on one machine: it speaks plain HTTP, calls a notify_url on any host, and does not look at Content-Type.
// Messages are Chinese whatever Accept-Language asks; clients branch on the code, never on the message.
package wechatsim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"sync"
	"time"
)

// Options says how a simulator is set up. The zero value is a good day at WeChat Pay.
type Options struct {
	// Merchant is who may call. nil: a fresh one from NewMerchant.
	Merchant *Merchant
	// Now is WeChat Pay's clock, before the offset set by POST /_sim/clock. nil: time.Now.
	Now func() time.Time
	// Certificates is how the merchant knows WeChat Pay's keys. All modes but PublicKeyOnly need a Merchant with at
	// least one certificate: see IssueCertificate. A nil Merchant gets one.
	Certificates CertificateMode
	// Speed divides the waits between callbacks, RefundTime and the delays of Faults. 0 and 1 are the real schedule of
	// 24 hours; 1000 makes a resend after 15 ms. The 5-second limit of a callback's answer stays.
	Speed float64
	// RefundTime is how long a refund stays PROCESSING, before it is divided by Speed. 0: 2 seconds.
	RefundTime time.Duration
	// Domains are the hosts (with a port where it is not the default) that the merchant has registered: for the silent
	// redirect to its pages (网页授权域名), for the pages that open an h5_url, and for JSAPI's (支付授权目录). nil: any.
	Domains []string
	// Origins are of the pages that may frame the phone page. nil: none may.
	Origins []string
	// Log gets one line for each refused request and each callback, never keys, bodies or headers. nil: none.
	Log *slog.Logger
	// Transport carries the callbacks. nil: the network. A test may hand them to its handler without one.
	Transport http.RoundTripper
}

// A Server is a WeChat Pay with one merchant. It is an http.Handler; all methods may be called at once.
type Server struct {
	merchant   *Merchant
	keys       keys
	mode       CertificateMode
	now        func() time.Time
	speed      float64
	refundTime time.Duration // before it is divided by speed
	origins    []string
	log        *slog.Logger
	domains    []string
	client     *http.Client
	mux        *http.ServeMux

	life      context.Context // ends with Close; every callback is sent under it
	end       context.CancelFunc
	callbacks sync.WaitGroup // callbacks under way or waiting for their next send

	mu      sync.Mutex // guards all below; never held while anything is sent
	book    *book
	tickets map[string]ticket // downloads of bills by token
	logins
	echoes  []*Echo
	faults  Faults
	signing signing
	offset  time.Duration
	closed  bool
}

// New makes a simulator. Close it when done.
func New(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("new simulator: %w", err)
	}
	keys, err := o.Merchant.keys()
	if err != nil {
		return nil, fmt.Errorf("new simulator: %w", err)
	}
	if o.Certificates < PublicKeyOnly || o.Certificates > Switching {
		return nil, errors.New("new simulator: unknown certificate mode")
	}
	if o.Certificates != PublicKeyOnly && len(keys.platform) == 0 {
		return nil, errors.New("new simulator: the merchant has no platform certificate; call IssueCertificate")
	}
	s := &Server{
		merchant: o.Merchant, keys: keys, mode: o.Certificates, now: o.Now, speed: o.Speed, refundTime: o.RefundTime,
		domains: o.Domains, origins: o.Origins, log: o.Log, client: newCallbackClient(o.Transport), book: newBook(*o.Merchant),
		tickets: map[string]ticket{},
		signing: signing{Signing: Signing{PublicKeyShare: 50, NewestShare: 100}},
	}
	s.logIn(DefaultPayer)
	s.life, s.end = context.WithCancel(context.Background())
	s.mux = s.routes()
	return s, nil
}

// complete fills in what was left out.
func (o Options) complete() (Options, error) {
	if o.Speed < 0 || o.RefundTime < 0 {
		return o, errors.New("negative speed or refund time")
	}
	o.Speed, o.RefundTime = cmp.Or(o.Speed, 1), cmp.Or(o.RefundTime, refundTime)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Merchant != nil {
		return o, nil
	}
	m, err := NewMerchant()
	if err == nil && o.Certificates != PublicKeyOnly {
		err = m.IssueCertificate(o.Now().AddDate(0, 0, -1))
	}
	o.Merchant = m
	return o, err
}

// routes is all that the simulator answers; everything else is an empty 404, as at WeChat Pay.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	api := func(path string, e endpoint) { mux.Handle(path, s.serve(e)) }
	for base, partner := range map[string]bool{"/v3/pay/transactions/": false, "/v3/pay/partner/transactions/": true} {
		for name, m := range map[string]method{"native": native(), "jsapi": jsapi(), "h5": h5()} {
			m.partner = partner
			api(base+name, endpoint{method: "POST", work: s.prepay(m),
				faults: func(f *Faults) *CallFaults { return &f.Prepay }})
		}
		api(base+"out-trade-no/{no}", endpoint{method: "GET", work: s.queryByNumber,
			query: lookupQuery(partner), faults: func(f *Faults) *CallFaults { return &f.Query }})
		api(base+"id/{id}", endpoint{method: "GET", work: s.queryByID,
			query: lookupQuery(partner), faults: func(f *Faults) *CallFaults { return &f.Query }})
		api(base+"out-trade-no/{no}/close", endpoint{method: "POST", work: s.closeOrder,
			faults: func(f *Faults) *CallFaults { return &f.Close }})
	}
	api("/v3/refund/domestic/refunds", endpoint{method: "POST", work: s.createRefund,
		faults: func(f *Faults) *CallFaults { return &f.Refund }})
	api("/v3/refund/domestic/refunds/{no}", endpoint{method: "GET", work: s.queryRefund, query: s.subMchIDQuery(),
		faults: func(f *Faults) *CallFaults { return &f.QueryRefund }})
	api("/v3/refund/domestic/refunds/{id}/apply-abnormal-refund", endpoint{method: "POST", work: s.applyAbnormal,
		faults: func(f *Faults) *CallFaults { return &f.AbnormalRefund }})
	api("/v3/bill/tradebill", endpoint{method: "GET", work: s.tradeBill,
		query: s.subMchIDQuery("bill_date", "bill_type", "tar_type"), faults: func(f *Faults) *CallFaults { return &f.Bill }})
	api("/v3/bill/fundflowbill", endpoint{method: "GET", work: s.flowBill,
		query:  []string{"bill_date", "account_type", "tar_type"},
		faults: func(f *Faults) *CallFaults { return &f.Bill }})
	api("/v3/billdownload/file", endpoint{method: "GET", work: s.downloadBill, query: []string{"token", "tartype"},
		faults: func(f *Faults) *CallFaults { return &f.Download }})
	api("/v3/certificates", endpoint{method: "GET", work: s.certificates, query: []string{"algorithm_type"},
		faults: func(f *Faults) *CallFaults { return &f.Certificates }})
	api("/v3/security/echo", endpoint{method: "POST", work: s.echo,
		faults: func(f *Faults) *CallFaults { return &f.Echo }})

	s.control(mux)
	s.phone(mux)
	s.wechat(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return mux
}

// ServeHTTP answers the API of WeChat Pay and the simulator's own side under /_sim/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// ServeMux would redirect such a path; WeChat Pay does not know it.
	if path.Clean(r.URL.Path) != r.URL.Path {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Merchant is the one merchant that may call.
func (s *Server) Merchant() *Merchant { return s.merchant }

// clock is the time at WeChat Pay.
func (s *Server) clock() time.Time {
	s.mu.Lock()
	offset := s.offset
	s.mu.Unlock()
	return s.now().Add(offset)
}

// Close stops all pending callbacks and waits for them. Calls that hang by a fault end too. The API still answers
// afterwards, but no callback is sent any more. Closing twice is safe.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.callbacks.Wait()
	return nil
}
