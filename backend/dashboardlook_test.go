package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"saoma/backend/pay"
)

// A staffPage is a page of the dashboard as somebody of the staff sees it.
type staffPage struct {
	name, path string
	act        func(*testing.T, *window) // what is done there to come to what is looked at; nil: nothing
	stranger   bool                      // nobody is signed in
}

// trade fills the books with a month of a café, and makes one order that a good deal happened to.
func (w *world) trade(t *testing.T) order {
	t.Helper()
	now := time.Now()
	names := []string{"拿铁 ×2、巴斯克蛋糕", "美式", "桂花乌龙", "A rather long name of a drink that somebody made up on a rainy Tuesday afternoon, with oat milk",
		"手冲耶加雪菲"}
	states := []pay.State{pay.Paid, pay.Paid, pay.Paid, pay.Paid, pay.Expired, pay.Paid, pay.Cancelled, pay.Paid, pay.Refunded}
	var made []pay.Order
	err := w.service.store.Update(t.Context(), func(tx pay.Tx) error {
		made = nil
		for i := range 400 {
			at := now.Add(-time.Duration(i*6500+i*i%5000) * time.Second)
			o := pay.Order{
				ID: pay.OrderID(fmt.Sprintf("ord_00%08d", 1000-i)), Merchant: demoMerchant, Token: pay.Token(fmt.Sprintf("t%d", i)),
				State: states[i%len(states)], Version: 3, Total: pay.Fen(800 + i*i*37%6000), Description: names[i%len(names)],
				Reference: fmt.Sprintf("table-%d", i%12), Channel: pay.Native, CreatedAt: at, ExpiresAt: at.Add(15 * time.Minute),
			}
			if o.State == pay.Expired && i < 20 {
				o.Total = pay.TotalMax
			}
			if o.State == pay.Paid || o.State == pay.Refunded {
				o.TransactionID, o.PaidAt = fmt.Sprintf("4200%024d", i), at.Add(time.Duration(8+i%40)*time.Second)
			}
			if o.State == pay.Refunded {
				o.Refunded = o.Total
			}
			if err := tx.InsertOrder(t.Context(), o); err != nil {
				return err
			}
			made = append(made, o)
			if i%10 > 0 {
				if _, err := tx.MarkShown(t.Context(), o.ID, at); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range made {
		w.service.dashboard.Changed(o) // the figures may have been computed without them
	}
	o := w.latte(t)
	w.call(t, "GET", "/checkout/"+o.Token, "")
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	w.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":350,"reason":"少了一份"}`, w.secret())
	return o
}

// staffPages are all pages, each in a state that has something to see.
func staffPages(o order, owner pay.StaffID) []staffPage {
	return []staffPage{
		{name: "today", path: "today"},
		{name: "orders", path: "orders"},
		{name: "nothing found", path: "orders?q=nothing&status=paid&from=2026-01-01"},
		{name: "an order", path: "orders/" + o.ID},
		{name: "a refund", path: "orders/" + o.ID + "/refund"},
		{name: "a refund of too much", path: "orders/" + o.ID + "/refund?amount=99999&reason=" + strings.Repeat("字", 27)},
		{name: "a refund to confirm", path: "orders/" + o.ID + "/refund?amount=12.5&reason=x"},
		{name: "staff", path: "staff"},
		{name: "a member", path: "staff/" + string(owner)},
		{name: "the log", path: "log"},
		{name: "password", path: "password"},
		{name: "no page", path: "nowhere"},
	}
}

// emptyPages are those of a shop that has just begun.
func emptyPages() []staffPage {
	return []staffPage{
		{name: "an empty day", path: "today"},
		{name: "no orders", path: "orders"},
		{name: "no webhooks", path: "webhooks"},
		{name: "no reports", path: "reports"},
		{name: "no keys", path: "keys"},
	}
}

// No page of the dashboard breaks a rule of axe-core, in either theme and language, and none is too wide for 320
// pixels. With SAOMA_GALLERY every page is photographed as well.
func TestDashboardLooks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("axe-core comes by npm, which is not installed")
	}
	source, err := axe()
	if err != nil {
		t.Fatal(err)
	}
	w, password := staffed(t)
	token, _, err := newBackOffice(w.service.cashier).SignIn(t.Context(), "owner", password, "192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	// One window for all: a fresh one has to learn all of axe-core anew, which takes longer than to look at a page.
	v := w.openFor(t, 10*time.Minute, w.url+"/dashboard/assets/")
	g := &gallery{window: v, source: source, folder: os.Getenv("SAOMA_GALLERY"), session: string(token)}
	for _, p := range emptyPages() {
		t.Run(p.name, func(t *testing.T) { g.look(t, p) })
	}
	o := w.trade(t)
	list, err := newBackOffice(w.service.cashier).Staff(t.Context(), demoMerchant)
	if err != nil {
		t.Fatal(err)
	}
	pages := append(staffPages(o, list[1].ID), w.officePages(t, o)...)
	for _, p := range append(pages, staffPage{name: "sign in", path: "sign-in", stranger: true}) {
		t.Run(p.name, func(t *testing.T) { g.look(t, p) })
	}
}

// A gallery looks at pages of the dashboard.
type gallery struct {
	*window
	source  string // of axe-core
	folder  string // for photographs; empty: none are taken
	session string // of who is signed in
}

// look looks at a page: light and in Chinese, then dark and in English, or, for photographs, in all
// combinations. Each is looked at wide and on a phone, once by all rules and once by those that depend on the width.
func (g *gallery) look(t *testing.T, p staffPage) {
	t.Helper()
	v := g.window
	set := func(name, value string) {
		if _, err := chromedp.Call(v.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: v.url}); err != nil {
			t.Fatal(err)
		}
	}
	session := g.session
	if p.stranger {
		session = "nobody"
	}
	set("saoma-staff", session)
	for i, theme := range []string{"light", "dark"} {
		langs := []string{"zh-CN", "en"}
		if g.folder == "" {
			langs = langs[i : i+1]
		}
		for _, lang := range langs {
			set("saoma-look", lang+"."+theme)
			v.goTo(t, "/dashboard/"+p.path)
			if p.act != nil {
				p.act(t, v)
			}
			eventually(t, "the page is there", func() bool {
				return evaluate[bool](t, v, `document.readyState === 'complete' && !!document.querySelector('main h1')`)
			})
			evaluate[bool](t, v, g.source+`;true`)
			whole := map[string]int{"light": 1280, "dark": 390}[theme]
			g.widths(t, strings.Join([]string{p.name, theme, lang}, "-"), whole)
		}
	}
}

// widths looks at the page that is open. All rules are tried at one width.
func (g *gallery) widths(t *testing.T, name string, whole int) {
	t.Helper()
	v := g.window
	for _, width := range []int{1280, 390, 320} {
		if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(int64(width), 900)); err != nil {
			t.Fatal(err)
		}
		if over := evaluate[int](t, v, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			t.Errorf("%s: %d pixels too wide for %d", name, over, width)
		}
		if width == 320 {
			continue
		}
		var rules []string
		if width != whole {
			rules = []string{"color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable"}
		}
		for _, broken := range axeRun(t, v, rules...) {
			t.Errorf("%s-%d: %s", name, width, broken)
		}
		if g.folder != "" {
			png, err := chromedp.Run(v.ctx, chromedp.FullScreenshot(90))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(g.folder, strings.ReplaceAll(fmt.Sprintf("%s-%d.png", name, width), " ", "-"))
			if err := os.WriteFile(file, png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
