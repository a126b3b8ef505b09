package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"saoma/backend/wire"
	"saoma/widget/ui"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// pageOptions is how a checkout page should look, as its address asks for it. What is not known is taken
// for the default.
type pageOptions struct {
	Theme string // auto, light or dark
	Mode  string // inline or modal when framed by the loader; page when the checkout stands alone
}

func (o pageOptions) classes() string {
	theme, mode := "auto", "page"
	switch o.Theme {
	case "light", "dark":
		theme = o.Theme
	}
	switch o.Mode {
	case "inline", "modal":
		mode = o.Mode
	}
	return "theme-" + theme + " mode-" + mode
}

// pageTemplate is the checkout page. The painted component must be the first element of the body: that is
// the one the program in the browser replaces with its own. Without scripts the page loads itself again, and
// so comes to "paid" as well. The empty icon saves a request for /favicon.ico.
var pageTemplate = template.Must(template.New("checkout").Parse(`<!doctype html>
<html lang="{{.Lang}}" class="{{.Classes}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{{.Scheme}}">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/frame.css">
{{- if not .Final}}
<noscript><meta http-equiv="refresh" content="4"></noscript>
{{- end}}
</head>
<body>
{{.Painted}}
<script type="application/json" id="{{.PageID}}">{{.Page}}</script>
<script src="/assets/wasm_exec.js" defer></script>
<script src="/assets/frame.js" defer></script>
</body>
</html>
`))

// renderPage paints the whole document of a checkout. It may be called by many handlers at once.
func renderPage(p wire.Page, o pageOptions) ([]byte, error) {
	p.Lang = ui.MatchLang(p.Lang)
	data, err := json.Marshal(p) // with <, > and & escaped: a name cannot end the script element
	if err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	var b bytes.Buffer
	err = pageTemplate.Execute(&b, map[string]any{
		"Lang":    p.Lang,
		"Classes": o.classes(),
		"Scheme":  colorScheme(o.Theme),
		"Title":   ui.Title(p),
		"Final":   p.Order.Status.Final(),
		"Painted": template.HTML(app.HTMLString(&ui.Checkout{Page: p})), // go-app escapes what it writes
		"PageID":  wire.PageID,
		"Page":    template.JS(data), // JSON that json.Marshal made safe for HTML
	})
	if err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return b.Bytes(), nil
}

// colorScheme is what the browser paints behind the page before the styles are there.
func colorScheme(theme string) string {
	switch theme {
	case "light", "dark":
		return theme
	}
	return "light dark"
}

// pageCSP is the Content-Security-Policy of a checkout page: our own files, WebAssembly, the socket on our
// host, and frames in pages of the merchant only. Sockets are named, since not every browser counts them
// to 'self'. An origin that is no plain origin is left out: it could end the directive and begin another.
func pageCSP(origins []string, host string) string {
	ancestors := "'self'"
	for _, origin := range origins {
		if isOrigin(origin) {
			ancestors += " " + origin
		}
	}
	connect := "'self'"
	if isOrigin("https://" + host) { // from the request's Host, so no better than the merchants' origins
		connect += " ws://" + host + " wss://" + host
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self' 'wasm-unsafe-eval'",
		"style-src 'self'",
		"img-src 'self' data:",
		"connect-src " + connect,
		"frame-ancestors " + ancestors,
		"base-uri 'none'",
		"form-action 'none'",
	}, "; ")
}

// isOrigin reports whether s is scheme://host[:port] and nothing else.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return false
	}
	return s == u.Scheme+"://"+u.Host && !strings.ContainsAny(s, " ;,'\"*")
}
