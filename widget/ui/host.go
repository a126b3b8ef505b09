package ui

import (
	"encoding/json"
	"time"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// What the frame's script tells the component.
const (
	heardOrder   = "order"   // an order view, as JSON
	heardFine    = "fine"    // a poll was answered, without news
	heardLost    = "lost"    // a poll failed
	heardAwake   = "awake"   // the page is seen again, or the network is back
	heardRefused = "refused" // a cancel failed
)

// A host is the window around the component: the frame's script, which polls, posts and speaks with the
// shop's page, and a few words to the document.
type host struct {
	script app.Value // window.saoma
	ears   app.Func
}

func connectHost(hear func(kind, body string)) *host {
	h := &host{script: app.Window().Get("saoma")}
	h.ears = app.FuncOf(func(_ app.Value, args []app.Value) any {
		hear(args[0].String(), args[1].String())
		return nil
	})
	h.script.Call("attach", h.ears)
	return h
}

func (h *host) close() {
	if h.ears == nil {
		return
	}
	h.script.Call("detach")
	h.ears.Release()
	h.ears = nil
}

// painted is when, by the local clock, the server painted the page.
func (h *host) painted() time.Time {
	return time.UnixMilli(int64(h.script.Get("painted").Float()))
}

// live says whether the socket brings the news; if not, the script polls.
func (h *host) live(yes bool) { h.script.Call("live", yes) }

// check has the order fetched at once.
func (h *host) check() { h.script.Call("check") }

func (h *host) cancel() { h.script.Call("cancel") }

// online tells the shop's page that the server is out of reach, or back.
func (h *host) online(yes bool) { h.script.Call("online", yes) }

// changed tells the script, and through it the shop's page, which order is on the screen now.
func (h *host) changed(o wire.Order) {
	view, err := json.Marshal(o)
	if err != nil { // an order holds nothing that JSON cannot
		return
	}
	h.script.Call("changed", string(view))
}

func (h *host) title(text string) { app.Window().Get("document").Set("title", text) }

// focused reports whether moving the focus takes it from nobody: the customer is in the frame already, or
// the frame is all there is to be in.
func (h *host) focused() bool {
	document := app.Window().Get("document")
	return document.Call("hasFocus").Bool() || !document.Get("documentElement").Get("classList").
		Call("contains", "mode-inline").Bool()
}

func (h *host) focus(id string) {
	if e := app.Window().GetElementByID(id); e.Truthy() {
		e.Call("focus")
	}
}

// quietEngine takes back the window's handlers that go-app sets for applications of many pages. Its
// handler of clicks would open the way back to the shop in a second window.
func quietEngine() {
	for _, handler := range []string{"onclick", "onpopstate", "onresize"} {
		app.Window().Set(handler, nil)
	}
}
