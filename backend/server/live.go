package server

import (
	"net/http"
	"time"

	"saoma/backend/pay"
)

// socketAfter is when a browser may ask for a socket again: a restart takes less.
const socketAfter = 5 * time.Second

// callProblem refuses what huma does not serve.
func (s *Server) callProblem(w http.ResponseWriter, r *http.Request, err error) {
	writeProblem(w, s.problem(r.Context(), r.Pattern, err))
}

// live upgrades to a WebSocket that hears of every change of one order. The first message is the order as
// it stands.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	if s.Hub.Full() {
		p := overloaded()
		p.Detail, p.retryAfter = "no more connections for now; long polls tell the news as well", socketAfter
		s.callProblem(w, r, p)
		return
	}
	o, _, err := s.orderOfToken(r.Context(), r.PathValue("token"), r.Header.Get("Origin"))
	if err != nil {
		p := s.problem(r.Context(), "live", err)
		if p.Status == http.StatusNotFound {
			s.Hub.Refuse(w, r, closeNoOrder) // a browser cannot read the status of a failed upgrade
			return
		}
		writeProblem(w, p)
		return
	}
	s.Hub.Serve(w, r, string(o.ID), func() ([]byte, int, error) {
		s.joined(r.Context())
		fresh, err := s.Cashier.Find(r.Context(), pay.Token(r.PathValue("token")))
		if err != nil {
			return nil, 0, err
		}
		view, code := s.view(fresh), 0
		if view.Status.Final() {
			code = closeFinal
		}
		return s.message(view), code, nil
	})
}
