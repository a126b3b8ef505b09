package main

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"saoma/backend/wechatsim"
)

const (
	uaWeChat  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.60"
	uaPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
	uaDesktop = "Mozilla/5.0 (Windows NT 10.0) Chrome/122.0 Safari/537.36 MicroMessenger/7.0.20 WindowsWechat(0x63090a13)"
)

// follow makes one request as a browser does and returns the status and where it leads.
func (w *world) follow(t *testing.T, address, userAgent string, headers ...string) (int, *url.URL) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", userAgent)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	to, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, to
}

// channel reads the channel of an order.
func (w *world) channel(t *testing.T, id string) string {
	t.Helper()
	var o struct {
		Channel string `json:"channel"`
	}
	w.call(t, "GET", "/v1/orders/"+id, "", w.secret()).json(t, &o)
	return o.Channel
}

func TestTheWayByH5(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	link := o.CheckoutURL + "/h5?lang=en"
	referer := "Referer: " + w.url + "/"
	for name, c := range map[string]struct {
		agent string
		h     []string
		want  string
	}{
		"inside WeChat": {uaWeChat, []string{referer}, o.CheckoutURL + "?lang=en"},
		"no Referer":    {uaPhone, nil, o.CheckoutURL + "?failed=h5&lang=en"},
	} {
		if status, to := w.follow(t, link, c.agent, c.h...); status != http.StatusSeeOther || to.String() != c.want {
			t.Errorf("%s: %d %s; want %s", name, status, to, c.want)
		}
	}
	if status, _ := w.follow(t, link, uaPhone, referer, "Sec-Purpose: prefetch"); status != http.StatusServiceUnavailable {
		t.Errorf("a prefetch: %d", status)
	}
	if n := len(w.sim.Trades()); n != 1 {
		t.Fatalf("%d trades; want the code only", n)
	}
	status, to := w.follow(t, link, uaPhone, referer)
	if status != http.StatusSeeOther || !strings.HasPrefix(to.String(), w.sim.Trades()[0].H5URL+"&redirect_url=") ||
		to.Query().Get("redirect_url") != o.CheckoutURL+"?lang=en" {
		t.Fatalf("%d %s", status, to)
	}
	if w.channel(t, o.ID) != "h5" || w.read(t, o.ID).CodeURL != "" {
		t.Errorf("the order is %+v", w.read(t, o.ID))
	}
	if status, _ := w.follow(t, to.String(), uaPhone, referer); status != http.StatusOK {
		t.Errorf("the page answers %d", status)
	}
	if _, err := w.sim.PayH5(w.sim.Trades()[0].PrepayID, ""); err != nil {
		t.Fatal(err)
	}
	w.wantStatus(t, o.ID, "paid")
	if status, to := w.follow(t, link, uaPhone, referer); status != http.StatusSeeOther || to.String() != o.CheckoutURL+"?lang=en" {
		t.Errorf("of a paid order: %d %s", status, to)
	}
}

func TestTheWayByJSAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	link := o.CheckoutURL + "/wechat"
	for _, agent := range []string{uaPhone, uaDesktop} {
		if status, to := w.follow(t, link, agent); status != http.StatusSeeOther || to.String() != o.CheckoutURL {
			t.Errorf("%s: %d %s", agent, status, to)
		}
	}
	_, there := w.follow(t, link, uaWeChat)
	there.Fragment = "" // a browser keeps it to itself
	_, back := w.follow(t, there.String(), uaWeChat)
	if back.Path != "/checkout/"+o.Token+"/wechat" || back.Query().Get("code") == "" {
		t.Fatalf("came back to %s", back)
	}
	forged := *back
	forged.RawQuery = url.Values{"code": {back.Query().Get("code")}, "state": {"1x"}}.Encode()
	if _, to := w.follow(t, forged.String(), uaWeChat); to.String() != o.CheckoutURL+"?failed=jsapi" {
		t.Errorf("with a forged state to %s", to)
	}
	if _, to := w.follow(t, back.String(), uaWeChat); to.String() != o.CheckoutURL+"#pay" {
		t.Fatalf("with the code to %s; log %s", to, w.log.String())
	}
	if _, to := w.follow(t, back.String(), uaWeChat); to.String() != o.CheckoutURL+"?failed=jsapi" {
		t.Errorf("with the code again to %s", to)
	}
	if w.channel(t, o.ID) != "jsapi" {
		t.Errorf("the channel is %s", w.channel(t, o.ID))
	}
	inWeChat := w.call(t, "GET", "/checkout/"+o.Token, "", "User-Agent: "+uaWeChat)
	if !strings.Contains(string(inWeChat.body), "prepay_id="+w.sim.Trades()[0].PrepayID) {
		t.Error("the page has nothing to pay by")
	}
	if page := w.call(t, "GET", "/checkout/"+o.Token, "", "User-Agent: "+uaPhone); strings.Contains(string(page.body), "prepay_id=") {
		t.Error("another browser's page has it too")
	}
	openid := w.sim.LogIn("")
	for name, text := range map[string]string{"log": w.log.String(), "page": string(inWeChat.body),
		"events": string(w.call(t, "GET", "/v1/orders/"+o.ID+"/events", "", w.secret()).body),
		"order":  string(w.call(t, "GET", "/v1/orders/"+o.ID, "", w.secret()).body)} {
		if strings.Contains(text, openid) || strings.Contains(text, w.sim.Merchant().AppSecret) {
			t.Errorf("the %s names the payer or the secret", name)
		}
	}
}

// Trouble at WeChat Pay leads back to the page, which says so and has a code.
func TestAWayThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	w.sim.SetFaults(wechatsim.Faults{RefuseYoungClose: -1})
	_, to := w.follow(t, o.CheckoutURL+"/h5", uaPhone, "Referer: "+w.url+"/")
	if to.String() != o.CheckoutURL+"?failed=h5" {
		t.Fatalf("leads to %s", to)
	}
	if got := w.read(t, o.ID); got.CodeURL != o.CodeURL {
		t.Errorf("the order became %+v", got)
	}
	w.sim.SetFaults(wechatsim.Faults{AccessToken: wechatsim.CallFaults{BadGateway: 1}})
	_, there := w.follow(t, o.CheckoutURL+"/wechat", uaWeChat)
	there.Fragment = ""
	_, back := w.follow(t, there.String(), uaWeChat)
	if _, to := w.follow(t, back.String(), uaWeChat); to.String() != o.CheckoutURL+"?failed=jsapi" {
		t.Errorf("leads to %s", to)
	}
}

// A shop's server may name the channel of the first attempt.
func TestOrdersOfAChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, field := range map[string]string{
		`"channel":"fax"`:                             "channel",
		`"channel":"h5"`:                              "client_ip",
		`"channel":"h5","client_ip":"127.0.0.1"`:      "client_ip",
		`"channel":"jsapi"`:                           "openid",
		`"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"`:     "openid",
		`"channel":"native","client_ip":"192.0.2.20"`: "client_ip",
	} {
		a := w.call(t, "POST", "/v1/orders", `{"amount":1,"description":"x",`+body+`}`, w.secret())
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), `"`+field+`"`) {
			t.Errorf("%s: %d %s; want the field %s", body, a.status, a.body, field)
		}
	}
	a := w.call(t, "POST", "/v1/orders", `{"amount":1,"description":"x","channel":"h5","client_ip":"203.0.113.9"}`, w.secret())
	var o order
	a.json(t, &o)
	if a.status != http.StatusCreated || o.Status != "pending" || o.CodeURL != "" || w.channel(t, o.ID) != "h5" {
		t.Errorf("%d %s", a.status, a.body)
	}
	list := w.service.cashier.Merchants.All()
	list[0].Channels = nil
	w.service.cashier.Merchants.Replace(list)
	a = w.call(t, "POST", "/v1/orders", `{"amount":1,"description":"x","channel":"h5","client_ip":"203.0.113.9"}`, w.secret())
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), `"channel"`) {
		t.Errorf("a merchant without h5: %d %s", a.status, a.body)
	}
}

// Payments of all channels are booked and can be refunded.
func TestPaymentsOfAllChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	native, jsapi, h5 := w.latte(t), w.latte(t), w.latte(t)
	w.pays(t, native)
	w.switchTo(t, h5, uaPhone)
	if _, err := w.sim.PayH5(w.sim.Trades()[0].PrepayID, ""); err != nil {
		t.Fatal(err)
	}
	w.switchTo(t, jsapi, uaWeChat)
	call, err := w.service.gateway.Bridge(demoMerchant, w.sim.Trades()[0].PrepayID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sim.PayJSAPI(wechatsim.BridgeCall(call), ""); err != nil {
		t.Fatal(err)
	}
	for _, o := range []order{native, jsapi, h5} {
		w.wantStatus(t, o.ID, "paid")
		a := w.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":100}`, w.secret())
		if a.status != http.StatusCreated {
			t.Errorf("refund of %s: %d %s", o.ID, a.status, a.body)
		}
	}
}

// switchTo follows the links of a channel up to WeChat Pay's page.
func (w *world) switchTo(t *testing.T, o order, agent string) {
	t.Helper()
	link := o.CheckoutURL + "/h5"
	if agent == uaWeChat {
		link = o.CheckoutURL + "/wechat"
	}
	for range 4 {
		_, to := w.follow(t, link, agent, "Referer: "+w.url+"/")
		if to.Path == "/checkout/"+o.Token && to.Fragment == "pay" {
			return
		}
		if to.Path == "" {
			return
		}
		to.Fragment = ""
		link = to.String()
	}
}

func TestTrustedProxiesAreNeeded(t *testing.T) {
	t.Parallel()
	c := config{Proxies: []string{"10.0.0.0/8", "192.0.2.7"}}
	if _, err := c.trustedProxies(); err == nil || !strings.Contains(err.Error(), "192.0.2.7") {
		t.Errorf("got %v; want the entry named", err)
	}
	c.Proxies = []string{"10.1.2.3/8"}
	got, err := c.trustedProxies()
	if err != nil || len(got) != 1 || got[0] != netip.MustParsePrefix("10.0.0.0/8") {
		t.Errorf("got %v, %v", got, err)
	}
}
