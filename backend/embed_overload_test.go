package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/server"
)

// What customers see of a server that has too much to do: that it takes a moment, and after the moment what they wanted.

const room = 2 // calls of a kind at once

func narrow(t *testing.T) *world {
	t.Helper()
	return crowded(t, func(c *server.Capacity) { c.Changes, c.Reads = room, room })
}

// congest has the books open for nobody, and as many calls wait for them as there is room for, until calm.
func (w *world) congest(t *testing.T) (calm func()) {
	t.Helper()
	o := w.latte(t)
	gate, held := make(chan struct{}), sync.WaitGroup{}
	calm = sync.OnceFunc(func() { close(gate); held.Wait() })
	t.Cleanup(calm)
	for range 16 { // more than the store has readers
		held.Go(func() { _ = w.service.store.View(t.Context(), func(pay.Tx) error { <-gate; return nil }) })
	}
	eventually(t, "nobody can read the books", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		return w.service.store.Ping(ctx) != nil
	})
	for _, call := range []string{"GET /v1/checkouts/" + o.Token, "POST /v1/checkouts/" + o.Token + "/cancel"} {
		method, path, _ := strings.Cut(call, " ")
		answers := make(chan answer, room+1)
		for range room + 1 {
			held.Go(func() { answers <- w.call(t, method, path, "") })
		}
		wantOverloaded(t, call, <-answers)
	}
	return calm
}

// The frame waits as long as it is told, tries once more, and then says why nothing comes of it.
func TestOverloadedInTheFrame(t *testing.T) {
	t.Parallel()
	for name, before := range poorly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := narrow(t)
			v := w.openAt(t, w.checkout(w.latte(t), ""), before)
			if before == "" {
				v.live(t)
			}
			calm := w.congest(t)
			v.clickOn(t, "check")
			seen := func(busy string) bool {
				return evaluate[bool](t, v, `document.documentElement.dataset.busy === '`+busy+`' && document.querySelector('.if-`+busy+`').checkVisibility()`)
			}
			eventually(t, "that there are too many is said", func() bool { return seen("many") })
			asked := evaluate[[]float64](t, v, `performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/check')).map((e) => e.startTime)`)
			if len(asked) != 2 || asked[1]-asked[0] < 2000 {
				t.Errorf("the frame asked at %v ms; want a second time after 2 s", asked)
			}
			calm()
			eventually(t, "the next try is answered", func() bool {
				evaluate[bool](t, v, `document.documentElement.dataset.busy || document.querySelector('[data-act=check]').click(), true`)
				return evaluate[string](t, v, `document.documentElement.dataset.busy`) == "unpaid"
			})
		})
	}
}

// There is no room for the polls of a frame that has no socket. That is no lost connection, and nobody is told of one.
func TestCrowdedOut(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"with the program": "delete window.WebSocket", "without": poorly["without"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := crowded(t, func(c *server.Capacity) { c.Polls = 0 })
			o := w.latte(t)
			v := parent(t, w, o, "", before)
			says := func(what, expression string) {
				t.Helper()
				eventually(t, what, func() (is bool) { return v.inFrame(expression, &is) && is })
			}
			const shown = `.checkVisibility({visibilityProperty: true})`
			says("it is said that there are too many", `document.getElementById('saoma').dataset.link === 'crowded' &&
				document.querySelector('.if-crowded')`+shown+` && !document.querySelector('.if-lost')`+shown+` &&
				document.getElementById('saoma-said').textContent.startsWith('当前请求较多')`)
			w.wire.cut()
			v.hears(t, "offline", "true")
			says("a connection that is lost is told apart", `document.querySelector('.if-lost')`+shown)
			w.wire.mend()
			v.hears(t, "online", "true")
			says("so is a server that is heard again", `document.querySelector('.if-crowded')`+shown)
			w.pays(t, o)
			v.tell(t, map[string]any{"type": "check"}) // which asks without waiting, and for that there is room
			v.hears(t, "order", `m.order.status === 'paid'`)
			if got := evaluate[string](t, v, `heard.filter((m) => m.type.endsWith('line')).map((m) => m.type).join()`); got != "offline,online" {
				t.Errorf("the shop's page is told %s", got)
			}
		})
	}
}

// The loader says so in the place of the frame, and the page of an order in its own; both come by themselves in the end.
func TestEmbedOverloaded(t *testing.T) {
	t.Parallel()
	w := narrow(t)
	o := w.latte(t)
	v := w.openPage(t, pageStart+loaderTag+`<main></main>`)
	v.wantTrue(t, "the loader is there", `!!window.Saoma`)
	calm := w.congest(t)
	v.run(t, `document.querySelector('main').innerHTML = '<saoma-checkout items="latte" lang="en"></saoma-checkout>'`)
	v.wantTrue(t, "the loader says so", theNote+`.textContent.startsWith('Many requests just now. One moment, please.')`)
	if got := evaluate[string](t, v, `(({ code, retryAfter }) => [code, retryAfter].join())(told[0].detail.error)`); got != "overloaded,2" {
		t.Errorf("the shop is told %s", got)
	}
	v.run(t, `document.querySelector('main').insertAdjacentHTML('afterbegin', '<saoma-checkout order="`+o.Token+`" lang="ja"></saoma-checkout>')`)
	eventually(t, "the page says so", func() bool {
		var said string
		return v.inFrame(`document.querySelector('h1').textContent`, &said) && said == "ただいま混み合っています。少しお待ちください。"
	})
	if evaluate[string](t, v, `getComputedStyle(`+theNote+`, '::before').opacity`) != "1" {
		t.Error("what stands behind the frame is painted over it, as all that is transparent")
	}
	calm()
	v.wantTrue(t, "there are both checkouts", `told.filter((e) => e.name === 'ready').length === 2`)
	if evaluate[bool](t, v, `told.some((e) => e.name === 'failed' && e.detail.error.code !== 'overloaded')`) {
		t.Error("the shop is told of something else")
	}
	if n := w.orders(t); n != 3 {
		t.Errorf("there are %d orders; want o, the one of congest, and the loader's", n)
	}
}

// A page that cannot be shown says why, in the customer's language, and what there is to do.
func TestApologies(t *testing.T) {
	t.Parallel()
	w := crowded(t, func(c *server.Capacity) { c.Changes = 0 })
	for _, c := range []struct {
		path, accepts string
		status        int
		refresh       string
		want          []string
	}{
		{"/checkout/none", "en", http.StatusNotFound, "", []string{`<html lang="en">`, "<h1>Order not found</h1>", `content="light dark"`}},
		{"/checkout/none?lang=zh-HK&theme=dark", "en", http.StatusNotFound, "", []string{"<h1>找不到這筆訂單</h1>", `content="dark"`}},
		{"/checkout/none/h5", "ko", http.StatusServiceUnavailable, "2", []string{"<h1>지금은 요청이 많습니다. 잠시만 기다려 주세요.</h1>", `<a href="">다시 시도</a>`}},
	} {
		a := w.call(t, "GET", c.path, "", "Accept-Language: "+c.accepts)
		if a.status != c.status || a.header.Get("Refresh") != c.refresh || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %v", c.path, a.status, a.header)
		}
		for _, want := range c.want {
			if !strings.Contains(string(a.body), want) {
				t.Errorf("%s: no %s in\n%s", c.path, want, a.body)
			}
		}
	}
	cart := `{"key":"pk_demo","items":[{"sku":"latte","quantity":1}]}`
	for lang, want := range map[string]string{"zh-CN": "当前请求较多，请稍候。", "zh-TW": "目前請求較多，請稍候。", "en": "Many requests just now. One moment, please."} {
		var p struct{ Code, Message string }
		w.call(t, "POST", "/v1/checkouts?lang="+lang, cart, w.origin()).json(t, &p)
		if p.Code != "overloaded" || p.Message != want {
			t.Errorf("%s: %+v; want %q", lang, p, want)
		}
	}
}
