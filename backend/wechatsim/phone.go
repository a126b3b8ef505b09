package wechatsim

import (
	"embed"
	"net/http"
	"path"
	"strings"
)

// phoneFiles are the page that plays the customer's phone.
//
//go:embed phone
var phoneFiles embed.FS

// phonePolicy lets the page load nothing but its own files, and lets nobody frame it but the origins that were named:
// a demo shows it beside a shop.
func (s *Server) phonePolicy() string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors " + strings.Join(append([]string{"'self'"}, s.origins...), " ")
}

// phone adds the page and its files.
func (s *Server) phone(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/phone", func(w http.ResponseWriter, _ *http.Request) { s.writePhone(w, "phone.html") })
	mux.HandleFunc("GET /_sim/phone/{file}", func(w http.ResponseWriter, r *http.Request) {
		s.writePhone(w, r.PathValue("file"))
	})
}

func (s *Server) writePhone(w http.ResponseWriter, name string) {
	kinds := map[string]string{
		".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml",
	}
	kind := kinds[path.Ext(name)]
	content, err := phoneFiles.ReadFile(path.Join("phone", name))
	if err != nil || kind == "" {
		replyError(w, &controlError{http.StatusNotFound, "not_found", "the phone has no such file"})
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind+"; charset=utf-8")
	h.Set("Content-Security-Policy", s.phonePolicy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache") // a new build of the simulator brings a new page
	_, _ = w.Write(content)            // the client has gone: there is no one to tell
}
