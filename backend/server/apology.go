package server

import (
	"bytes"
	"html/template"
	"maps"
	"net/http"
	"strconv"

	"saoma/widget/ui"
)

// apologyStyle is small: the page is sent when there is too much to do as well.
const apologyStyle = template.CSS(`
* { box-sizing: border-box; margin: 0 }
body { display: grid; place-items: center; min-height: 100vh; padding: 4px; font: 16px/1.5 system-ui, sans-serif; text-align: center;
	text-wrap: balance; overflow-wrap: anywhere; word-break: keep-all }
:lang(ja) { word-break: normal; word-break: auto-phrase }
main { display: grid; place-content: center; justify-items: center; gap: 8px; width: 100%; max-width: 432px;
	min-height: min(652px, 100vh - 8px); padding: 24px 12px; border: 1px solid #8884; border-radius: 16px; background: Canvas }
h1 { font-size: 1.125rem }
p { font-size: .9375rem; opacity: .75 }
a { margin-top: 16px; padding: 9px 24px; border: 1px solid; border-radius: 10px; color: inherit; font-weight: 600; text-decoration: none }
small { margin-top: 16px; font-size: .75rem; opacity: .7 }
`)

var (
	apologyHash     = hashOf(apologyStyle)
	apologyTemplate = template.Must(template.New("apology").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{{.Scheme}}">
<meta name="robots" content="noindex">
<title>{{.Words.Title}}</title>
<link rel="icon" href="data:,">
<style>{{.Style}}</style>
<main>
<h1>{{.Words.Title}}</h1>
<p>{{.Words.How}}</p>
{{- with .Words.Retry}}
<a href="">{{.}}</a>
{{- end}}
{{- with .Request}}
<small>{{.}}</small>
{{- end}}
</main>
`))
)

// pageProblem is the page that stands in the place of one that cannot be shown. If it can in a moment, the browser comes
// again by itself; framed, it keeps the loader waiting meanwhile.
func (s *Server) pageProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r.Context(), "checkout-page", err)
	lang := langOf(r)
	words := ui.Apologize(lang, p.Code)
	page := map[string]any{"Lang": lang, "Scheme": colorScheme(r.URL.Query().Get("theme")), "Style": apologyStyle, "Words": words}
	if p.Status == http.StatusInternalServerError {
		page["Request"] = p.RequestID // for whom the customer asks
	}
	h := w.Header()
	maps.Copy(h, p.GetHeaders())
	if p.retryAfter > 0 {
		h.Set("Refresh", strconv.Itoa(ceilSeconds(p.retryAfter)))
	}
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src "+apologyHash+"; base-uri 'none'; form-action 'none'; frame-ancestors *")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	// A shop's page that is isolated itself frames only what says these.
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.WriteHeader(p.Status)
	var b bytes.Buffer
	if err := apologyTemplate.Execute(&b, page); err != nil {
		s.Log.Error("cannot write an apology", "request", p.RequestID, "error", err)
	}
	_, _ = w.Write(b.Bytes()) // the caller may be gone
}
