package wechatsim

import (
	"embed"
	"net/http"
	"path"
)

// phoneFiles are the page that plays the customer's phone.
//
//go:embed phone
var phoneFiles embed.FS

// phonePolicy lets the page load nothing but its own files, and lets any site frame it: the demo shows it beside a shop
// of another origin.
const phonePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors *"

// phone adds the page and its files.
func (s *Server) phone(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/phone", func(w http.ResponseWriter, _ *http.Request) { writeFile(w, "phone.html") })
	mux.HandleFunc("GET /_sim/phone/{file}", func(w http.ResponseWriter, r *http.Request) {
		writeFile(w, r.PathValue("file"))
	})
}

func writeFile(w http.ResponseWriter, name string) {
	kinds := map[string]string{".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
	kind := kinds[path.Ext(name)]
	content, err := phoneFiles.ReadFile(path.Join("phone", name))
	if err != nil || kind == "" {
		replyError(w, &controlError{http.StatusNotFound, "not_found", "the phone has no such file"})
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind+"; charset=utf-8")
	h.Set("Content-Security-Policy", phonePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache") // a new build of the simulator brings a new page
	_, _ = w.Write(content)            // the client has gone: there is no one to tell
}
