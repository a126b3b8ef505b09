package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// phone opens a page with a telephone's screen, by the name of a browser. WeChat's own has a bridge, which the
// simulator plays.
func (w *world) phone(t *testing.T, url, userAgent string, before ...string) *window {
	t.Helper()
	v := w.openAt(t, "about:blank", before...)
	_, err := chromedp.Call(v.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: userAgent})
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(390, 844), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	return v
}

// bridge is the simulator's WeixinJSBridge for a customer who does what is said.
func (w *world) bridge(t *testing.T, does string) string {
	t.Helper()
	there := &world{demo: &demo{url: w.sim.url}}
	return `window.wechatsimDoes = '` + does + `';` + string(there.call(t, "GET", "/_sim/bridge.js", "").body)
}

// tap clicks an element of the page as a hand does.
func (v *window) tap(t *testing.T, selector string) {
	t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.Click(selector)); err != nil {
		t.Fatalf("tap %s: %v", selector, err)
	}
}

// at waits until the window shows a page of the origin.
func (v *window) at(t *testing.T, origin string) {
	t.Helper()
	eventually(t, "the window shows "+origin, func() bool {
		at, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](`document.readyState === 'complete' ? location.origin : ''`))
		return err == nil && at == origin
	})
}

// shows waits until the page has an element.
func (v *window) shows(t *testing.T, selector string) {
	t.Helper()
	eventually(t, "the page shows "+selector, func() bool {
		is, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](`!!document.querySelector('`+selector+`')?.checkVisibility({visibilityProperty: true})`))
		return err == nil && is
	})
}

// picture keeps a screenshot where somebody asks for them.
func (v *window) picture(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("SAOMA_PICTURES")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestInsideWeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.phone(t, o.CheckoutURL+"?lang=zh-CN&theme=light", uaWeChat, w.bridge(t, "pay"))
	v.shows(t, "#saoma-open")
	v.picture(t, "jsapi")
	v.tap(t, "#saoma-open")
	w.wantStatus(t, o.ID, "paid")
	v.alone(t, "paid")
	v.picture(t, "jsapi-paid")
	if w.channel(t, o.ID) != "jsapi" {
		t.Errorf("paid by %s", w.channel(t, o.ID))
	}
	if at := evaluate[string](t, v, `location.href`); strings.Contains(at, "code=") || strings.Contains(at, "#") {
		t.Errorf("the address is %s", at)
	}
	v.wantNoFaults(t)
}

// The customer closes WeChat's sheet, and pays at the second try, without leaving the page.
func TestCancelledInsideWeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.phone(t, o.CheckoutURL, uaWeChat, w.bridge(t, "cancel"))
	v.shows(t, "#saoma-open")
	v.tap(t, "#saoma-open")
	eventually(t, "the bridge has answered", func() bool {
		is, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](`!!window.WeixinJSBridge && location.hash === ''`))
		return err == nil && is && w.channel(t, o.ID) == "jsapi"
	})
	if got := w.read(t, o.ID).Status; got != "pending" {
		t.Fatalf("the order is %s", got)
	}
	trades := len(w.sim.Trades())
	evaluate[bool](t, v, `window.wechatsimDoes = 'pay', true`)
	eventually(t, "the second try is paid", func() bool {
		evaluate[bool](t, v, `document.querySelector('#saoma-open')?.click(), true`)
		return w.read(t, o.ID).Status == "paid"
	})
	v.alone(t, "paid")
	if len(w.sim.Trades()) != trades {
		t.Error("the second try made another attempt")
	}
}

// A customer who has paid nothing is not told otherwise, whatever the bridge says.
func TestTheBridgeIsAHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	lies := `addEventListener('load', () => { window.WeixinJSBridge = { invoke: (m, p, done) => { window.asked = p; done({err_msg: 'get_brand_wcpay_request:ok'}); } };
		document.dispatchEvent(new Event('WeixinJSBridgeReady')); });`
	v := w.phone(t, o.CheckoutURL, uaWeChat, lies)
	v.shows(t, "#saoma-open")
	v.tap(t, "#saoma-open")
	eventually(t, "the server has asked", func() bool {
		is, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool](`document.documentElement.dataset.busy === 'unpaid'`))
		return err == nil && is
	})
	asked := evaluate[wechatsim.BridgeCall](t, v, `window.asked`)
	w.wantStatus(t, o.ID, "pending")
	if _, err := w.sim.PayJSAPI(asked, ""); err != nil { // and then he pays with what the page had signed
		t.Fatal(err)
	}
	v.alone(t, "paid")
}

// Without a bridge the page says so, and the link and the code for another phone are still there.
func TestNoBridge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.phone(t, o.CheckoutURL, uaWeChat)
	v.shows(t, "#saoma-open")
	v.tap(t, "#saoma-open")
	v.shows(t, ".if-failed")
	v.picture(t, "jsapi-no-bridge")
	v.shows(t, "#saoma-open")
	v.tap(t, "#saoma-renew") // to another phone
	v.shows(t, "#saoma-enlarge")
	if got := w.read(t, o.ID); got.CodeURL == "" || w.channel(t, o.ID) != "native" {
		t.Errorf("the order is %+v", got)
	}
	v.tap(t, "#saoma-enlarge")
	if got := v.scan(t); got != w.read(t, o.ID).CodeURL {
		t.Errorf("the screen shows %s", got)
	}
	v.picture(t, "elsewhere")
}

func TestByH5(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.phone(t, o.CheckoutURL+"?lang=zh-CN", uaPhone)
	v.shows(t, "#saoma-open")
	v.picture(t, "h5")
	v.tap(t, "#saoma-open")
	v.at(t, w.sim.url)
	v.picture(t, "h5-page")
	v.tap(t, "#pay")
	v.at(t, w.url)
	v.alone(t, "paid")
	v.picture(t, "h5-paid")
	v.wantNoFaults(t)
}

// The customer gives up and comes back: nothing is concluded, and there is a second try.
func TestBackFromH5(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.phone(t, o.CheckoutURL+"?lang=en", uaPhone)
	v.shows(t, "#saoma-open")
	v.tap(t, "#saoma-open")
	v.at(t, w.sim.url)
	v.tap(t, "#leave")
	v.at(t, w.url)
	v.alone(t, "pending")
	v.picture(t, "h5-back")
	v.tap(t, "#saoma-check")
	eventually(t, "WeChat Pay was asked", func() bool {
		return evaluate[string](t, v, `document.documentElement.dataset.busy || ''`) == "unpaid"
	})
	v.alone(t, "pending")
	v.tap(t, "#saoma-open")
	v.at(t, w.sim.url)
	if n := len(w.sim.Trades()); n != 2 {
		t.Errorf("%d trades; want the code and one of H5", n)
	}
	v.tap(t, "#pay")
	v.at(t, w.url)
	v.alone(t, "paid")
}

// The customer pays, and comes back by hand.
func TestPaidWhileAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Callback: wechatsim.CallbackFaults{Lose: -1}})
	o := w.latte(t)
	v := w.phone(t, o.CheckoutURL, uaPhone)
	v.shows(t, "#saoma-open")
	v.tap(t, "#saoma-open")
	v.at(t, w.sim.url)
	if _, err := w.sim.PayH5(w.sim.Trades()[0].PrepayID, ""); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(v.ctx, chromedp.Navigate(o.CheckoutURL)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the page says paid once somebody asks", func() bool {
		evaluate[bool](t, v, `document.querySelector('#saoma-check')?.click(), true`)
		return evaluate[string](t, v, `document.querySelector('main')?.dataset.status || ''`) == "paid"
	})
}

// WeChat on a desktop shows the code, though it calls itself MicroMessenger.
func TestDesktopWeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.latte(t)
	v := w.phone(t, o.CheckoutURL, uaDesktop)
	if got := v.scan(t); got != o.CodeURL {
		t.Errorf("the screen shows %q", got)
	}
	if evaluate[bool](t, v, `!!document.querySelector('#saoma-open')`) {
		t.Error("it offers to pay there")
	}
}

// leaveFrame clicks a link of the checkout's frame as a hand does, once it is there, until the window shows a page of the
// origin: a click is lost when the program takes the page over between its two halves.
func (v *window) leaveFrame(t *testing.T, selector, origin string) {
	t.Helper()
	eventually(t, "the link "+selector+" leads to "+origin, func() bool {
		at, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](`document.readyState === 'complete' ? location.origin : ''`))
		if err == nil && at == origin {
			return true
		}
		var box, corner []float64
		ok := v.inFrame(`(() => { const e = document.querySelector('`+selector+`'); e.scrollIntoView({block: 'center'});
			const b = e.getBoundingClientRect(); return b.width ? [b.x + b.width / 2, b.y + b.height / 2] : null })()`, &box)
		if corner, err = chromedp.Run(v.ctx, chromedp.Evaluate[[]float64](`(() => { const b = document.querySelector('saoma-checkout')
			.shadowRoot.querySelector('iframe').getBoundingClientRect(); return [b.x, b.y] })()`)); !ok || err != nil || len(box) != 2 {
			return false
		}
		for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			_, err := chromedp.Call(v.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{
				Type: kind, X: corner[0] + box[0], Y: corner[1] + box[1], Button: input.MouseButtonLeft, ClickCount: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return false
	})
}

// In a shop's page the link leads the whole window to WeChat Pay, by a click of the customer's own.
func TestByH5FromAShopsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.phone(t, w.shop.url+"/minimal.html", uaPhone)
	v.leaveFrame(t, "#saoma-open", w.sim.url)
	v.tap(t, "#pay")
	v.at(t, w.url)
	v.alone(t, "paid")
	var list []pay.Order
	if err := w.service.store.View(t.Context(), func(tx pay.Tx) (err error) {
		list, err = tx.Orders(t.Context(), pay.OrderFilter{Merchant: demoMerchant, Limit: 1})
		return err
	}); err != nil || list[0].Channel != pay.H5 || list[0].State != pay.Paid {
		t.Errorf("the order is %+v, %v", list, err)
	}
	v.tap(t, "#saoma-back") // nobody has named a return address: it is the page that he came from
	v.at(t, w.shop.url)
	if got := evaluate[string](t, v, `location.pathname`); got != "/minimal.html" {
		t.Errorf("back at %s", got)
	}
}

// The guest at a table pays on the phone in hand, and comes back to the kitchen's page, which knows the order.
func TestFromTheTableToTheKitchen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.phone(t, w.shop.url+"/table/?table=7", uaPhone)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	v.run(t, `document.querySelector('[data-sku] [data-step="1"]').click(); document.getElementById('pay').click()`)
	v.leaveFrame(t, "#saoma-open", w.sim.url)
	v.tap(t, "#pay")
	v.at(t, w.url)
	v.alone(t, "paid")
	v.tap(t, "#saoma-return")
	v.at(t, w.shop.url)
	v.shows(t, "#order[data-state=paid]")
	if got := evaluate[string](t, v, `location.pathname + document.querySelector('[data-table]').textContent`); got != "/kitchen/7" {
		t.Errorf("back at %s", got)
	}
}
