package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"saoma/backend/pay"
)

// A Capacity bounds what a server takes on at once. What is beyond is refused at once, with 503 and Retry-After: whoever was
// let in waits for the books behind at most so many others, and callbacks, which have a lane of their own and go first in
// the books, are not held up by any of them.
type Capacity struct {
	Callbacks int // of WeChat Pay
	Changes   int // calls that make or change something: orders, checkouts, refunds, products
	Reads     int // calls and pages that only read, and WebSockets while they are opened
	Polls     int // long polls; never more than half of what Beside leaves, for each holds a connection
	Staff     int // requests for the dashboard

	Sockets     int // open WebSockets
	Connections int // of any kind, WebSockets too
	Spare       int // connections that WebSockets leave to others, however many they are
}

// Beside returns how many connections may be open beside so many WebSockets.
func (c Capacity) Beside(sockets int) int { return max(c.Connections-sockets, c.Spare) }

// DescriptorsDefault is how many files and connections a process commonly may have open.
const DescriptorsDefault = 20_000

// CapacityOf returns the capacity of a process that may have so many descriptors open. An eighth of them is left for
// the books, and for calls to WeChat Pay and to merchants' servers. WebSockets, which call nobody, may fill all but
// spare descriptors for others and as many again for the books and calls: then fewer requests come at once, and fewer
// calls go out.
func CapacityOf(descriptors int) Capacity {
	spare := min(descriptors/8, 500)
	return Capacity{
		Callbacks: 1024, // 13,000 a second take two cores; so many are answered in a tenth of WeChat Pay's patience
		Changes:   1024, // two cores sign 2,500 orders a second, each of which waits 0.3 s for WeChat Pay
		Reads:     1024, // the dearest list takes 50 ms, four at a time: everybody is served before a proxy's patience ends
		Staff:     128,  // some dozens of people, and what a page of theirs loads

		Polls:       descriptors / 2,
		Sockets:     descriptors - 2*spare,
		Connections: descriptors - descriptors/8,
		Spare:       spare,
	}
}

// A lane is one kind of requests, and how many of them are being served. There is no queue before it: whoever is in it
// waits already, for the books or for WeChat Pay.
type lane struct {
	name    string
	most    func() int
	inside  atomic.Int64
	refused atomic.Int64
}

// lanes are all there are.
type lanes struct{ callbacks, changes, reads, polls, staff lane }

func (l *lanes) all() []*lane {
	return []*lane{&l.callbacks, &l.changes, &l.reads, &l.polls, &l.staff}
}

// openLanes gives the lanes their width.
func (s *Server) openLanes() {
	c, l := s.Capacity, &s.lanes
	for lane, width := range map[*lane]struct {
		name string
		most int
	}{
		&l.callbacks: {"callbacks", c.Callbacks}, &l.changes: {"changes", c.Changes}, &l.reads: {"reads", c.Reads},
		&l.polls: {"polls", c.Polls}, &l.staff: {"staff", c.Staff},
	} {
		lane.name, lane.most = width.name, func() int { return width.most }
	}
	l.polls.most = func() int { return min(c.Polls, c.Beside(s.Hub.Len())/2) }
	s.Metrics.lanes(l.all())
}

// enter lets a request in, until leave, or refuses it.
func (l *lane) enter() error {
	if l.inside.Add(1) > int64(l.most()) {
		l.inside.Add(-1)
		return l.refuse()
	}
	return nil
}

func (l *lane) leave() { l.inside.Add(-1) }

// full refuses a request of which it is known already that there is no room for it: nothing is read or asked for its sake.
func (l *lane) full() error {
	if l.inside.Load() >= int64(l.most()) {
		return l.refuse()
	}
	return nil
}

func (l *lane) refuse() error {
	l.refused.Add(1)
	return overloaded()
}

// retryAfter is when a refused caller may come again: a lane of 1,024 has emptied several times by then.
const retryAfter = 2 * time.Second

func overloaded() *problem {
	return &problem{Status: http.StatusServiceUnavailable, Code: string(pay.Overloaded), retryAfter: retryAfter,
		Detail: "there is too much to do at the moment; ask again after as long as Retry-After says"}
}

// laneOf returns where a call belongs.
func (s *Server) laneOf(r *http.Request) *lane {
	switch {
	case r.Method != http.MethodGet:
		return &s.lanes.changes
	case r.URL.Query().Has("wait"):
		return &s.lanes.polls
	}
	return &s.lanes.reads
}

// enter lets a call in that withCaller has seen.
func enter(ctx context.Context) (leave func(), err error) {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c.lane.leave, c.lane.enter()
}

// in has requests served as long as there is room in the lane.
func (s *Server) in(l *lane, refuse func(http.ResponseWriter, *http.Request, error), next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := l.full()
		if err == nil {
			readAhead(r)
			err = l.enter()
		}
		if err != nil {
			refuse(w, r, err)
			return
		}
		defer l.leave()
		next.ServeHTTP(w, r)
	}
}

// readAhead has a body come in before its request takes room: who sends it slowly must hold up nobody else.
func readAhead(r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	head, _ := io.ReadAll(io.LimitReader(r.Body, bodyMax)) // an error stays, and is met by who reads on
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
}
