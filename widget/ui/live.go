package ui

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"

	"saoma/backend/wire"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// live keeps a WebSocket to the server open. Each opening brings a snapshot, so nothing has to be asked
// for again after a gap. All methods run on the UI goroutine.
type live struct {
	ctx     app.Context // of the component, for what the browser calls
	c       *Checkout
	url     string
	fails   int // in a row; a message ends the row
	socket  *socket
	alarm   alarm // the limit of an opening, or the next try
	stopped bool
}

// A socket is one WebSocket of the browser's and our ears on it.
type socket struct {
	js   app.Value
	ears map[string]app.Func
}

func newLive(ctx app.Context, c *Checkout) *live {
	location := app.Window().Get("location")
	scheme := "wss://"
	if location.Get("protocol").String() == "http:" {
		scheme = "ws://"
	}
	path := "/v1/checkouts/" + url.PathEscape(c.order().Token) + "/live"
	return &live{ctx: ctx, c: c, url: scheme + location.Get("host").String() + path}
}

// open opens a socket. Where the browser has none, the script goes on polling as it does from the start.
func (l *live) open() {
	constructor := app.Window().Get("WebSocket")
	if l.stopped || l.socket != nil || !constructor.Truthy() {
		return
	}
	l.socket = &socket{js: constructor.New(l.url, wire.Subprotocol), ears: map[string]app.Func{}}
	l.on("message", func(e app.Value) { l.message(e.Get("data").String()) })
	l.on("close", func(e app.Value) { l.closed(e.Get("code").Int()) })
	l.alarm.set(l.ctx, openLimit, func(app.Context) { l.fail() })
}

// on listens to the socket in use. What an abandoned one still had to say is not heard.
func (l *live) on(event string, do func(app.Value)) {
	s := l.socket
	s.ears[event] = app.FuncOf(func(_ app.Value, args []app.Value) any {
		e := args[0]
		l.ctx.Dispatch(func(app.Context) {
			if l.socket == s {
				do(e)
			}
		})
		return nil
	})
	s.js.Call("addEventListener", event, s.ears[event])
}

func (l *live) message(data string) {
	var m wire.Message
	if err := json.Unmarshal([]byte(data), &m); err != nil || m.Type != wire.MessageOrder {
		return // of a newer server; the next snapshot may be for us
	}
	l.fails = 0
	l.alarm.stop()
	l.c.message(l.ctx, m)
}

func (l *live) closed(code int) {
	if closedForGood(code) {
		l.stop()
		l.c.host.live(false) // should the order not be final after all, a poll tells
		return
	}
	l.fail()
}

// fail gives the socket up and comes again later. From the second failure on the script polls meanwhile.
func (l *live) fail() {
	l.drop()
	l.fails++
	if l.fails >= pollAfter {
		l.c.host.live(false)
	}
	l.alarm.set(l.ctx, backoff(l.fails, rand.Float64()), func(app.Context) { l.open() })
}

// wake is called when the page is seen again or the network is back. A socket that slept may be dead
// without knowing it; a new one brings a fresh snapshot and costs one request.
func (l *live) wake() {
	if l.stopped {
		return
	}
	l.drop()
	l.open()
}

// drop abandons the socket in use and what was to happen to it.
func (l *live) drop() {
	l.alarm.stop()
	s := l.socket
	if s == nil {
		return
	}
	l.socket = nil
	for event, ear := range s.ears {
		s.js.Call("removeEventListener", event, ear)
		ear.Release()
	}
	s.js.Call("close")
}

func (l *live) stop() {
	l.stopped = true
	l.drop()
}
