package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"saoma/backend/wechatsim"
)

// staffed is a demo with staff, and the password of them all.
func staffed(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t)
	password, err := w.invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w, password
}

// enter signs somebody in, in a window of their own.
func (w *world) enter(t *testing.T, name, password string, before ...string) *window {
	t.Helper()
	v := w.openAt(t, w.url+"/dashboard/", before...)
	v.fill(t, "name", name)
	v.fill(t, "password", password)
	v.submit(t, "/dashboard/sign-in")
	v.arrives(t, "/dashboard/")
	return v
}

// fill types into a field of the page.
func (v *window) fill(t *testing.T, field, value string) {
	t.Helper()
	eventually(t, "there is a field "+field, func() bool {
		return evaluate[bool](t, v, fmt.Sprintf(`(() => {
			const f = document.querySelector('main [name=%s]:not([type=hidden])');
			if (!f || document.readyState === 'loading') return false;
			f.value = %q;
			return true;
		})()`, field, value))
	})
}

// submit presses the button of the form that goes to an address.
func (v *window) submit(t *testing.T, action string) {
	t.Helper()
	eventually(t, "there is a form to "+action, func() bool {
		return evaluate[bool](t, v, fmt.Sprintf(`(() => {
			const b = document.querySelector('main form[action$=%q] button');
			if (!b || document.readyState === 'loading') return false;
			b.click();
			return true;
		})()`, action))
	})
}

// arrives waits until the window is at a path, or below it, and its page is whole.
func (v *window) arrives(t *testing.T, path string) {
	t.Helper()
	eventually(t, "the page is "+path, func() bool {
		return evaluate[bool](t, v, fmt.Sprintf(`location.pathname.startsWith(%q) && !location.pathname.endsWith('/sign-in') &&
			document.readyState === 'complete'`, path))
	})
}

// dressed chooses a language and a theme, by the buttons of the page.
func (v *window) dressed(t *testing.T, lang, theme string) {
	t.Helper()
	for _, choice := range [][2]string{{"lang", lang}, {"theme", theme}} {
		eventually(t, "there is the choice of "+choice[1], func() bool {
			return evaluate[bool](t, v, fmt.Sprintf(`(() => {
				const b = document.querySelector('button[name=%s][value=%s]');
				if (!b || document.readyState !== 'complete') return false;
				if (b.getAttribute('aria-pressed') === 'false') b.click();
				return true;
			})()`, choice[0], choice[1]))
		})
		eventually(t, "the page is dressed", func() bool {
			return evaluate[bool](t, v, fmt.Sprintf(`document.querySelector('button[name=%s][value=%s]')?.getAttribute('aria-pressed') === 'true'`,
				choice[0], choice[1]))
		})
	}
}

// says waits until the page's content holds a text.
func (v *window) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, "the page says "+text, func() bool {
		return evaluate[bool](t, v, fmt.Sprintf(`document.readyState !== 'loading' && document.querySelector('main').innerText.includes(%q)`, text))
	})
}

func (v *window) goTo(t *testing.T, path string) {
	t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.Navigate(v.url+path)); err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
}

// A cashier signs in, finds an order that comes up on the screen by itself, refunds some of it and sees the money
// arrive, all without a reload of the page.
func TestRefundOnTheDashboard(t *testing.T) {
	t.Parallel()
	w, password := staffed(t)
	v := w.enter(t, "cashier", password)
	v.dressed(t, "zh-CN", "light")
	v.arrives(t, "/dashboard/orders") // the cashier's home: the takings are not theirs to see
	v.says(t, "还没有订单")
	eventually(t, "the page listens", func() bool { return w.service.hub.Len() == 1 })
	evaluate[bool](t, v, `window.stayed = true`)
	o := w.latte(t)
	v.says(t, "待支付")
	w.pays(t, o)
	v.says(t, "已支付")
	if !evaluate[bool](t, v, `window.stayed === true`) {
		t.Error("the list was loaded again")
	}

	v.fill(t, "q", "28.00")
	v.submit(t, "/dashboard/orders")
	v.says(t, "table-7")
	evaluate[bool](t, v, `document.querySelector('main table a').click(), true`)
	v.arrives(t, "/dashboard/orders/"+o.ID)
	w.sim.SetFaults(wechatsim.Faults{RefundOutcome: wechatsim.RefundFaults{Stay: 1}})
	evaluate[bool](t, v, `document.getElementById('refund').click(), true`)
	v.arrives(t, "/dashboard/orders/"+o.ID+"/refund")
	v.fill(t, "amount", "29")
	v.submit(t, "/refund")
	v.says(t, "金额须在")
	v.fill(t, "amount", "3.5")
	v.fill(t, "reason", "少了一份")
	v.submit(t, "/refund")
	v.says(t, "确认退款 ¥3.50")
	v.submit(t, "/refund")
	v.says(t, "退款 ¥3.50 已提交")
	eventually(t, "the page listens", func() bool { return w.service.hub.Len() == 1 })
	evaluate[bool](t, v, `window.stayed = true`)
	refunds := w.sim.Refunds()
	if len(refunds) != 1 {
		t.Fatalf("WeChat Pay has the refunds %+v", refunds)
	}
	if _, err := w.sim.FinishRefund(refunds[0].OutRefundNo, wechatsim.RefundSucceeded); err != nil {
		t.Fatal(err)
	}
	v.says(t, "已到账")
	v.says(t, "部分退款")
	if !evaluate[bool](t, v, `window.stayed === true`) {
		t.Error("the order was loaded again")
	}
	v.wantNoFaults(t)
}

// All of it works in a browser that runs no scripts: sign in, menu, search, refund.
func TestTheDashboardWithoutScripts(t *testing.T) {
	t.Parallel()
	w, password := staffed(t)
	o := w.latte(t)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	v := w.openAt(t, "about:blank")
	if _, err := chromedp.Call(v.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(390, 800)); err != nil {
		t.Fatal(err)
	}
	v.goTo(t, "/dashboard/orders/"+o.ID) // asks to sign in, and comes back
	v.fill(t, "name", "owner")
	v.fill(t, "password", password)
	v.submit(t, "/dashboard/sign-in")
	v.arrives(t, "/dashboard/orders/"+o.ID)
	v.tap(t, ".menu summary")
	v.tap(t, ".menu a[href='/dashboard/today']")
	v.says(t, "28.00")
	v.goTo(t, "/dashboard/orders?q="+o.ID)
	v.tap(t, "main table a")
	v.arrives(t, "/dashboard/orders/"+o.ID)
	v.tap(t, "#refund")
	v.submit(t, "/refund")
	v.says(t, "¥0.00") // is left afterwards
	v.submit(t, "/refund")
	v.arrives(t, "/dashboard/orders/"+o.ID)
	w.wantStatus(t, o.ID, "refunded")
	v.goTo(t, "/dashboard/log")
	v.says(t, "¥28.00")
	v.wantNoFaults(t)
}
