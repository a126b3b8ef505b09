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
}

// trade fills the books with a month of a café, and makes one order that a good deal happened to.
func (w *world) trade(t *testing.T) order {
	t.Helper()
	now := time.Now()
	names := []string{"拿铁 ×2、巴斯克蛋糕", "美式", "桂花乌龙", "A rather long name of a drink that somebody made up on a rainy Tuesday afternoon, with oat milk",
		"手冲耶加雪菲"}
	states := []pay.State{pay.Paid, pay.Paid, pay.Paid, pay.Paid, pay.Expired, pay.Paid, pay.Cancelled, pay.Paid, pay.Refunded}
	err := w.service.store.Update(t.Context(), func(tx pay.Tx) error {
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
		{"today", "today"},
		{"orders", "orders"},
		{"nothing found", "orders?q=nothing&status=paid&from=2026-01-01"},
		{"an order", "orders/" + o.ID},
		{"a refund", "orders/" + o.ID + "/refund"},
		{"a refund of too much", "orders/" + o.ID + "/refund?amount=99999&reason=" + strings.Repeat("字", 27)},
		{"a refund to confirm", "orders/" + o.ID + "/refund?amount=12.5&reason=x"},
		{"staff", "staff"},
		{"a member", "staff/" + string(owner)},
		{"the log", "log"},
		{"password", "password"},
		{"no page", "nowhere"},
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
	o := w.trade(t)
	list, err := newBackOffice(w.service.cashier).Staff(t.Context(), demoMerchant)
	if err != nil {
		t.Fatal(err)
	}
	folder := os.Getenv("SAOMA_GALLERY")
	token, _, err := newBackOffice(w.service.cashier).SignIn(t.Context(), "owner", password, "192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	w.openAt(t, w.url+"/dashboard/").looks(t, source, "sign in", "", folder)
	for _, p := range append(staffPages(o, list[1].ID), w.officePages(t, o)...) {
		t.Run(p.name, func(t *testing.T) {
			v := w.openAt(t, w.url+"/dashboard/assets/")
			cookie := network.SetCookieParams{Name: "saoma-staff", Value: string(token), URL: w.url}
			if _, err := chromedp.Call(v.ctx, network.SetCookie, cookie); err != nil {
				t.Fatal(err)
			}
			v.looks(t, source, p.name, p.path, folder)
		})
	}
}

// looks checks a page in both themes, wide and on a phone, in one language each, or, for a photograph, in both.
func (v *window) looks(t *testing.T, source, name, path, folder string) {
	t.Helper()
	for i, theme := range []string{"light", "dark"} {
		langs := []string{"zh-CN", "en"}
		if folder == "" {
			langs = langs[i : i+1]
		}
		for _, lang := range langs {
			look := network.SetCookieParams{Name: "saoma-look", Value: lang + "." + theme, URL: v.url}
			if _, err := chromedp.Call(v.ctx, network.SetCookie, look); err != nil {
				t.Fatal(err)
			}
			v.goTo(t, "/dashboard/"+path)
			v.looksSo(t, source, name, theme, lang, folder)
		}
	}
}

func (v *window) looksSo(t *testing.T, source, name, theme, lang, folder string) {
	t.Helper()
	eventually(t, "the page is there", func() bool {
		return evaluate[bool](t, v, `document.readyState === 'complete' && !!document.querySelector('main h1')`)
	})
	evaluate[bool](t, v, source+`;true`)
	for _, width := range []int{1280, 390, 320} {
		if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(int64(width), 900)); err != nil {
			t.Fatal(err)
		}
		if over := evaluate[int](t, v, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			t.Errorf("%s, %s, %s: %d pixels too wide for %d", name, theme, lang, over, width)
		}
		if width == 320 {
			continue
		}
		for _, broken := range axeRun(t, v, "") {
			t.Errorf("%s, %s, %s, %d: %s", name, theme, lang, width, broken)
		}
		if folder != "" {
			png, err := chromedp.Run(v.ctx, chromedp.FullScreenshot(90))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(folder, strings.ReplaceAll(fmt.Sprintf("%s-%s-%s-%d.png", name, theme, lang, width), " ", "-"))
			if err := os.WriteFile(file, png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
