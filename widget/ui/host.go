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
	heardCrowded = "crowded" // a poll was refused: too many at once
	heardAwake   = "awake"   // the page is seen again, or the network is back
	heardAsleep  = "asleep"  // the page has been left and may come back
	heardRefused = "refused" // a cancel failed
	heardSay     = "say"     // a text for those who listen
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

// painted is when, by the local clock, the server painted the page: half of the request's way before its answer came.
func (h *host) painted() time.Time {
	return time.UnixMilli(int64(h.script.Get("painted").Float()))
}

// trip is how long a message takes from the server to us, as far as we know: half of a request's way there and back.
func (h *host) trip() time.Duration {
	return time.Duration(h.script.Get("trip").Float() * float64(time.Millisecond))
}

// live says whether the socket brings the news; if not, the script polls.
func (h *host) live(yes bool) { h.script.Call("live", yes) }

// refresh has the order fetched at once.
func (h *host) refresh() { h.script.Call("refresh") }

// renewing reports whether a new code is on its way. The server closes the old one first, and the order counts as
// expired in between, which is nobody's news.
func (h *host) renewing() bool { return h.script.Get("busy").String() == "renew" }

// sound tells aloud of what is on the screen now, if the customer or the shop wants it.
func (h *host) sound() { h.script.Call("sound") }

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
