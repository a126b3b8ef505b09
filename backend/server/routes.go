package server

import (
	"net/http"
	"slices"
)

// A router is a mux that can tell which routes it has, so that tests can try every one.
type router struct {
	*http.ServeMux
	patterns []string
}

func (m *router) Handle(pattern string, h http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}

func (m *router) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(f))
}

// Routes lists all routes that [Server.Handler] has made, as "POST /v1/orders".
func (s *Server) Routes() []string { return slices.Clone(s.routes) }
