package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	_ "image/png" // screenshots
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"saoma/backend/pay"
	"saoma/backend/wechatsim"
)

// chromium is one browser for all tests; each test opens a window of its own with its own storage.
var chromium = sync.OnceValues(func() (context.Context, error) {
	ctx, _ := chromedp.NewExecAllocator(context.Background(), chromiumOptions(chromedp.WindowSize(900, 1000))...)
	ctx, _ = chromedp.NewContext(ctx)
	return ctx, chromedp.Do(ctx)
})

// chromiumOptions start a browser in which the pages are what costs time: without Chromium's own around each window, a process
// ready for the next, and optimized machine code, which does not pay in some seconds.
func chromiumOptions(more ...chromedp.ExecAllocatorOption) []chromedp.ExecAllocatorOption {
	return append(append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,PreloadTopChromeWebUI,SpareRendererForSitePerProcess,"+
			"WebUIOmniboxAimPopup,WebUIOmniboxPopup"), // the first two as by default
		chromedp.Flag("js-flags", "--liftoff-only"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true)), more...)
}

// A window is a browser window that shows a page of the shop.
type window struct {
	*world
	ctx    context.Context
	mu     sync.Mutex
	faults []string // what the browser complained of
	advice []string // what scripts warned of
}

// open opens a page of the shop's origin. The scripts run in every frame before the page's own.
func (w *world) open(t *testing.T, path string, before ...string) *window {
	t.Helper()
	return w.openAt(t, w.shop.url+path, before...)
}

func (w *world) openAt(t *testing.T, url string, before ...string) *window {
	t.Helper()
	return w.openFor(t, time.Minute, url, before...)
}

// openFor opens a window that is of use for so long.
func (w *world) openFor(t *testing.T, limit time.Duration, url string, before ...string) *window {
	t.Helper()
	browser, err := chromium()
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return w.openIn(t, browser, limit, url, before...)
}

// openIn opens a window in another browser than the one that all tests share.
func (w *world) openIn(t *testing.T, browser context.Context, limit time.Duration, url string, before ...string) *window {
	t.Helper()
	ctx, closeWindow := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeWindow)
	ctx, cancel := context.WithTimeout(ctx, limit)
	t.Cleanup(cancel)
	v := &window{world: w, ctx: ctx}
	if err := chromedp.Listen(ctx, v.hear); err != nil {
		t.Fatalf("listen to the browser: %v", err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatalf("listen to the browser's log: %v", err)
	}
	for _, script := range append(before, recordEvents, recordShifts) {
		p := page.AddScriptToEvaluateOnNewDocumentParams{Source: script}
		if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, p); err != nil {
			t.Fatalf("add a script: %v", err)
		}
	}
	// A fixed viewport: otherwise the first screenshot resizes the page, which counts as a shift of its layout.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(900, 1000), chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			v.keepScreenshot(t)
		}
	})
	return v
}

// recordEvents remembers what the merchant's page is told.
const recordEvents = `if (window.top === window) {
	window.told = [];
	for (const name of ['ready', 'paid', 'expired', 'renewed', 'cancelled', 'failed', 'offline', 'online', 'needchannel', 'close'])
		document.addEventListener(name, (e) => { if (e.target.localName === 'saoma-checkout') told.push({name, detail: e.detail}) }, true);
}`

// recordShifts remembers how far the layout of each frame moved by itself.
const recordShifts = `new PerformanceObserver((list) => {
	const root = document.documentElement.dataset;
	for (const e of list.getEntries()) root.shift = Number(root.shift || 0) + e.value;
}).observe({type: 'layout-shift', buffered: true});`

func (v *window) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = fmt.Sprintf("%s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		said := ""
		for _, a := range e.Args {
			text := string(a.Value)
			_ = json.Unmarshal(a.Value, &text) // a string; all else is said as it is
			said += " " + text + a.Description
		}
		switch e.Type {
		case runtime.ConsoleAPICalledTypeError:
			text = "console.error:" + said
		case runtime.ConsoleAPICalledTypeWarning:
			v.mu.Lock()
			v.advice = append(v.advice, said)
			v.mu.Unlock()
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			text = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if text != "" {
		v.mu.Lock()
		v.faults = append(v.faults, text)
		v.mu.Unlock()
	}
}

// wantNoFaults says what scripts threw, what was logged as an error and what a policy forbade.
func (v *window) wantNoFaults(t *testing.T) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, f := range v.faults {
		t.Errorf("the browser complains: %s", f)
	}
}

// evaluate evaluates an expression in the shop's page.
func evaluate[T any](t *testing.T, v *window, expression string) T {
	t.Helper()
	value, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// inFrame evaluates an expression in the checkout's frame, in a world of its own beside the page's scripts,
// and reports whether it has a value.
func (v *window) inFrame(expression string, into any) (found bool) {
	tree, err := chromedp.Call(v.ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return false
	}
	frame := checkoutFrame(tree.FrameTree)
	if frame == nil {
		return false
	}
	world, err := chromedp.Call(v.ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frame.ID})
	if err != nil {
		return false // the frame is loading
	}
	byValue := true
	value, err := chromedp.Call(v.ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ContextID: world.ExecutionContextID, ReturnByValue: &byValue,
	})
	if err != nil || value.ExceptionDetails != nil || value.Result == nil {
		return false
	}
	return json.Unmarshal(value.Result.Value, into) == nil
}

// checkoutFrame is the first frame in a page that shows a checkout.
func checkoutFrame(tree *page.FrameTree) *cdp.Frame {
	for _, child := range tree.ChildFrames {
		if strings.Contains(child.Frame.URL, "/checkout/") {
			return child.Frame
		}
		if frame := checkoutFrame(child); frame != nil {
			return frame
		}
	}
	return nil
}

// wantShown waits until the frame shows an order of the status.
func (v *window) wantShown(t *testing.T, status string) {
	t.Helper()
	eventually(t, "the frame shows "+status, func() bool {
		var got string
		return v.inFrame(`document.querySelector('main').dataset.status`, &got) && got == status
	})
}

// wantTold waits until the merchant's page was told of an event, and checks what it was told.
func (v *window) wantTold(t *testing.T, name string, o order) {
	t.Helper()
	type event struct {
		Name   string `json:"name"`
		Detail struct {
			OrderID  string `json:"orderId"`
			Status   string `json:"status"`
			Currency string `json:"currency"`
			Amount   int64  `json:"amount"`
		} `json:"detail"`
	}
	var told []event
	n := 0
	eventually(t, "the shop is told "+name, func() bool {
		told = evaluate[[]event](t, v, `window.told`)
		n = 0
		for _, e := range told {
			if e.Name == name {
				n++
				if d := e.Detail; d.OrderID != o.ID || d.Amount != o.Amount || d.Currency != "CNY" {
					t.Fatalf("told %+v; want order %s of %d fen", e, o.ID, o.Amount)
				}
			}
		}
		return n > 0
	})
	if n != 1 {
		t.Errorf("told %d times of %s: %+v", n, name, told)
	}
}

// scan photographs the window and reads the QR code from the pixels, as a phone would.
func (v *window) scan(t *testing.T) (codeURL string) {
	t.Helper()
	eventually(t, "a QR code can be read from the screen", func() bool {
		png, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		picture, _, err := image.Decode(bytes.NewReader(png))
		if err != nil {
			t.Fatal(err)
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
		if err != nil {
			return false
		}
		codeURL = code.GetText()
		return true
	})
	return codeURL
}

// scanned reads the code from the screen and finds the order it belongs to.
func (v *window) scanned(t *testing.T) order {
	t.Helper()
	codeURL := v.scan(t)
	trade := v.sim.Trades()[0]
	if codeURL != trade.CodeURL {
		t.Fatalf("the screen shows %q; WeChat Pay gave %q", codeURL, trade.CodeURL)
	}
	var list []pay.Order
	err := v.service.store.View(t.Context(), func(tx pay.Tx) (err error) {
		list, err = tx.Orders(t.Context(), pay.OrderFilter{Merchant: demoMerchant, Limit: 1})
		return err
	})
	if err != nil || len(list) != 1 || list[0].CodeURL != codeURL {
		t.Fatalf("no order has this code: %v, %v", list, err)
	}
	return v.read(t, string(list[0].ID))
}

// live waits until the component in the browser has taken the page over and has its socket.
func (v *window) live(t *testing.T) {
	t.Helper()
	eventually(t, "the component is live", func() bool { return v.service.hub.Len() == 1 })
}

func (v *window) keepScreenshot(t *testing.T) {
	png, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Logf("no screenshot: %v", err)
		return
	}
	file := filepath.Join(os.TempDir(), strings.ReplaceAll(t.Name(), "/", "-")+".png")
	if err := os.WriteFile(file, png, 0o600); err == nil {
		t.Logf("the screen at the end: %s", file)
	}
}

// The whole thing: a shop's page, a QR code, a payment, "paid" on the screen.
func TestAShopsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/minimal.html")
	o := v.scanned(t)
	v.wantTold(t, "ready", o)
	v.live(t)
	w.pays(t, o)
	v.wantShown(t, "paid")
	v.wantTold(t, "paid", o)
	const shift = `Number(document.documentElement.dataset.shift || 0)`
	var inFrame float64
	if !v.inFrame(shift, &inFrame) || inFrame > 0 {
		t.Errorf("the frame's layout shifted by %g", inFrame)
	}
	if inShop := evaluate[float64](t, v, shift); inShop > 0 {
		t.Errorf("the shop's layout shifted by %g", inShop)
	}
	v.wantNoFaults(t)
}

// Every way in which the browser can be poorer than we wish still comes to "paid".
func TestPoorBrowsers(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]string{
		"no WebSocket":                   `delete window.WebSocket`,
		"no WebAssembly":                 `delete window.WebAssembly`,
		"neither":                        `delete window.WebSocket; delete window.WebAssembly`,
		"no streaming compilation":       `delete WebAssembly.instantiateStreaming`,
		"a WebSocket that never opens":   `window.WebSocket = class extends EventTarget { readyState = 0; close() {} send() {} }`,
		"WebAssembly that fails to load": `WebAssembly.instantiateStreaming = WebAssembly.instantiate = () => Promise.reject(new Error('refused'))`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.open(t, "/minimal.html", without)
			o := v.scanned(t)
			v.wantTold(t, "ready", o)
			w.pays(t, o)
			v.wantShown(t, "paid")
			v.wantTold(t, "paid", o)
		})
	}
}

func TestExpiryOnTheScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/minimal.html")
	o := v.scanned(t)
	v.live(t)
	w.forward(16 * time.Minute)
	v.wantShown(t, "expired")
	v.wantTold(t, "expired", o)
	if v.inFrame(`document.querySelector('svg[role=img]').outerHTML`, new(string)) {
		t.Error("the dead code is still shown")
	}
	if _, err := w.sim.Pay(o.CodeURL, ""); err == nil {
		t.Error("the expired order can be paid")
	}
	v.wantNoFaults(t)
}

func TestCancelOnTheScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/minimal.html")
	o := v.scanned(t)
	v.live(t)
	for _, button := range []string{"#saoma-cancel", "[data-act=cancel]"} {
		if !v.inFrame(`document.querySelector('`+button+`').click(), true`, new(bool)) {
			t.Fatalf("there is no button %s", button)
		}
	}
	v.wantShown(t, "cancelled")
	v.wantTold(t, "cancelled", o)
	if got := w.read(t, o.ID).Status; got != "cancelled" {
		t.Errorf("the order is %s", got)
	}
	v.wantNoFaults(t)
}

// The network goes away, the customer pays with the phone's own, and the network comes back.
func TestTheSocketIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/minimal.html")
	o := v.scanned(t)
	v.live(t)
	w.wire.cut()
	eventually(t, "the socket is gone", func() bool { return w.service.hub.Len() == 0 })
	w.pays(t, o) // the callback is lost too; the sweep finds the money
	w.wire.mend()
	v.wantShown(t, "paid")
	v.wantTold(t, "paid", o)
}

// Late money: the screen says expired, the customer had paid, the screen says paid.
func TestLateMoneyOnTheScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/minimal.html")
	o := v.scanned(t)
	v.live(t)
	w.forward(16 * time.Minute)
	v.wantShown(t, "expired")
	trade := w.sim.Trades()[0]
	m := w.sim.Merchant()
	if _, err := w.service.cashier.Settle(t.Context(), pay.Notice{
		Merchant: demoMerchant, Source: pay.FromBill, MchID: m.MchID, AppID: m.AppID, OutTradeNo: trade.OutTradeNo,
		TransactionID: "4200000000", Total: pay.Fen(trade.Total), Currency: pay.Currency, PaidAt: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	v.wantShown(t, "paid")
	v.wantTold(t, "paid", o)
}

// The modal: a button with an attribute, and nothing of ours in the page but the script.
func TestTheModal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/modal.html")
	evaluate[bool](t, v, `document.querySelector('[data-saoma-items]').click(), true`)
	o := v.scanned(t)
	w.pays(t, o)
	v.wantShown(t, "paid")
	v.wantTold(t, "paid", o)
	v.wantTold(t, "close", o) // a paid modal closes by itself
	v.wantNoFaults(t)
}

// An order made by the shop's server, named by its token.
func TestAnOrderOfTheShopsServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/timed.html")
	o := v.scanned(t)
	if o.Amount != 8280 {
		t.Errorf("the order is of %d fen", o.Amount)
	}
	w.pays(t, o)
	v.wantShown(t, "paid")
	v.wantTold(t, "paid", o)
}

// WeChat Pay is in trouble for a moment: the page comes without a code, and the component in the browser draws
// the code when it is pushed.
func TestTheCodeComesLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sim.SetFaults(wechatsim.Faults{Prepay: wechatsim.CallFaults{ErrorBefore: -1}})
	v := w.open(t, "/minimal.html")
	v.wantShown(t, "created")
	v.live(t)
	w.sim.SetFaults(wechatsim.Faults{})
	o := v.scanned(t)
	w.pays(t, o)
	v.wantShown(t, "paid")
	v.wantTold(t, "paid", o)
	v.wantNoFaults(t)
}

// What the shop asks for is refused: the element says so in the shop's page, and the next wish is served.
func TestTheShopIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.open(t, "/minimal.html")
	v.scanned(t)
	wish := func(items string) {
		evaluate[bool](t, v, `document.querySelector('saoma-checkout').setAttribute('items', '`+items+`'), true`)
	}
	wish("yacht:1")
	eventually(t, "the shop is told failed", func() bool {
		return evaluate[bool](t, v, `told.some((e) => e.name === 'failed')`)
	})
	if n := w.orders(t); n != 1 {
		t.Errorf("there are %d orders; want the first one only", n)
	}
	wish("latte:2")
	eventually(t, "the next order is made", func() bool { return w.orders(t) == 2 })
	if o := v.scanned(t); o.Amount != 5600 {
		t.Errorf("the screen shows an order of %d fen", o.Amount)
	}
}
