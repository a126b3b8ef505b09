package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"saoma/backend/pay"
	"saoma/backend/wire"
	"saoma/widget/ui"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// pages paints checkout pages. They differ by the order; what they all share is computed once.
type pages struct {
	style       template.CSS // stands in the page: the code is visible without another request
	light, dark theme        // in it
	files       files
	zippers     sync.Pool // of *gzip.Writer: each has a megabyte of tables
}

func newPages(f files) (*pages, error) {
	style, err := f.contents("frame.css")
	if err != nil {
		return nil, fmt.Errorf("read the page's style: %w", err)
	}
	ps := &pages{style: template.CSS(style), files: f} //nolint:gosec // our own
	ps.light, ps.dark = themesOf(style)
	return ps, nil
}

// hashOf is the source of a Content-Security-Policy that allows this style and no other.
func hashOf(style template.CSS) string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageOptions is how a checkout page should look, as its address asks for it. What is not known is taken
// for the default.
type pageOptions struct {
	Theme string // auto, light or dark
	Mode  string // inline, modal or kiosk when framed by the loader; page when the checkout stands alone
	Sound string // 1: a tone and a spoken amount tell of the payment

	merchant Looks // of all the merchant's checkouts
	page     Looks // of the shop's page
	late     bool  // more of the shop's page than the server can read: look.js holds the first frame until it has
}

// optionsOf reads them.
func optionsOf(q url.Values, m pay.Merchant) pageOptions {
	o := pageOptions{Theme: q.Get("theme"), Mode: q.Get("mode"), Sound: q.Get("sound"), merchant: m.Looks}
	if o.Theme == "" {
		o.Theme = m.Looks["theme"]
	}
	var whole bool
	o.page, whole = looksOfQuery(q)
	o.late = !whole
	return o
}

func (o pageOptions) large() bool {
	if wished, ok := o.page["type"]; ok {
		return wished == "large"
	}
	return o.merchant["type"] == "large"
}

func (o pageOptions) classes() string {
	theme, mode := "auto", "inline" // a mode that a shop has misspelt is framed all the same
	switch o.Theme {
	case "light", "dark":
		theme = o.Theme
	}
	switch o.Mode {
	case "modal", "kiosk", "page":
		mode = o.Mode
	case "":
		mode = "page"
	}
	classes := "theme-" + theme + " mode-" + mode
	if o.Sound == "1" {
		classes += " sound"
	}
	if o.large() {
		classes += " type-large"
	}
	return classes
}

// pageTemplate is the checkout page. The painted component must be the first element of the body: that is
// the one the program in the browser replaces with its own. Without scripts the page loads itself again, and
// so comes to "paid" as well. The empty icon saves a request for /favicon.ico.
//
// Nothing here holds up the painting. All scripts and the program are asked for at once, the small scripts
// before the large program, which compiles as it arrives; the frame's script finds its address by its id.
var pageTemplate = template.Must(template.New("checkout").Parse(`<!doctype html>
<html lang="{{.Lang}}" class="{{.Classes}}"{{with .Type}} data-type="{{.}}"{{end}}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{{.Scheme}}">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<link rel="icon" href="data:,">
<style>{{.Style}}</style>
{{- with .MerchantStyle}}
<style>{{.}}</style>
{{- end}}
{{- with .PageStyle}}
<style id="{{$.LookID}}">{{.}}</style>
{{- end}}
{{- if not .Final}}
<noscript><meta http-equiv="refresh" content="4"></noscript>
{{- with .Program}}
<link rel="preload" id="{{$.ProgramID}}" href="{{.}}" as="fetch" type="application/wasm" crossorigin fetchpriority="low">
{{- end}}
{{- with .Runtime}}
<script src="{{.}}" defer fetchpriority="high"></script>
{{- end}}
{{- end}}
<script src="{{.Look}}"{{if not .Late}} defer{{end}}></script>
<script src="{{.Frame}}" defer fetchpriority="high"></script>
{{- with .WeChat}}
<script src="{{.}}" defer></script>
{{- end}}
</head>
<body>
{{.Painted}}
<script type="application/json" id="{{.PageID}}">{{.Page}}</script>
</body>
</html>
`))

// programID is the id of the link that loads the program ahead. A page without it has no program.
const programID = "saoma-program"

// lookID is the id of the style that look.js takes over.
const lookID = "saoma-look"

// render paints the whole document of a checkout and names the styles in it, as sources of a Content-Security-Policy.
// It may be called by many handlers at once.
func (ps *pages) render(p wire.Page, o pageOptions) (document []byte, styles string, err error) {
	p.Lang = ui.MatchLang(p.Lang)
	data, err := json.Marshal(p) // with <, > and & escaped: a name cannot end the script element
	if err != nil {
		return nil, "", fmt.Errorf("render page: %w", err)
	}
	merchants, pages := ps.styles(o.merchant, o.page)
	styles = hashOf(ps.style)
	for _, style := range []template.CSS{merchants, pages} {
		if style != "" {
			styles += " " + hashOf(style)
		}
	}
	var b bytes.Buffer
	err = pageTemplate.Execute(&b, map[string]any{
		"Lang":          p.Lang,
		"Classes":       o.classes(),
		"Scheme":        colorScheme(o.Theme),
		"Title":         ui.Title(p),
		"Final":         p.Order.Status.Final(),
		"Style":         ps.style,
		"LookID":        lookID,
		"Late":          o.late,
		"Type":          o.merchant["type"],
		"MerchantStyle": merchants,
		"PageStyle":     pages,
		"ProgramID":     programID,
		"Program":       ps.files.address("app.wasm"),
		"Runtime":       ps.files.address("wasm_exec.js"),
		"Frame":         ps.files.address("frame.js"),
		"Look":          ps.files.address("look.js"),
		"WeChat":        ps.inWeChat(p),
		"Painted":       template.HTML(app.HTMLString(&ui.Checkout{Page: p})), // go-app escapes what it writes
		"PageID":        wire.PageID,
		"Page":          template.JS(data), // JSON that json.Marshal made safe for HTML
	})
	if err != nil {
		return nil, "", fmt.Errorf("render page: %w", err)
	}
	return b.Bytes(), styles, nil
}

// inWeChat is the address of the script that pays inside WeChat, where the page can.
func (ps *pages) inWeChat(p wire.Page) string {
	if p.Bridge == nil {
		return ""
	}
	return ps.files.address("wechat.js")
}

// colorScheme is what the browser paints behind the page before the styles are there.
func colorScheme(theme string) string {
	switch theme {
	case "light", "dark":
		return theme
	}
	return "light dark"
}

// send answers with a page, by gzip if the browser takes it. Painted and styled it has some 15 KB; packed it fits
// into the ten packets that a server may send before it hears back, which saves distant customers a round trip.
// Brotli would save 10 % more and no round trip. Packing gives nothing away (BREACH): who can ask for the page has
// its one secret, the token, in the address.
func (ps *pages) send(w http.ResponseWriter, r *http.Request, page []byte) {
	w.Header().Set("Vary", "Accept-Encoding")
	// A writer that fails has nobody left to tell.
	if bestCoding(r.Header.Get("Accept-Encoding"), map[string]bool{"gzip": true, "identity": true}) != "gzip" {
		_, _ = w.Write(page)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z, ok := ps.zippers.Get().(*gzip.Writer)
	if !ok {
		z = gzip.NewWriter(w)
	}
	z.Reset(w)
	_, _ = z.Write(page)
	_ = z.Close()
	ps.zippers.Put(z)
}

// setHeaders sets what a checkout page may do and who may do what with it.
func (ps *pages) setHeaders(h http.Header, styles string, origins []string, host string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pageCSP(styles, origins, host))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin") // the address holds the token; WeChat's H5 page wants the origin
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "+
		"magnetometer=(), microphone=(), midi=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin") // a window of its own is nobody's to steer
	// A shop's page that is isolated itself, for the sake of threads in WebAssembly, frames only what says these.
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// pageCSP is the Content-Security-Policy of a checkout page: the styles in it, our own scripts, WebAssembly,
// the socket on our host, and frames in pages of the merchant only. No text becomes markup or code (Trusted
// Types). Sockets are named, since not every browser counts them to 'self'. An origin that is no plain origin is
// left out: it could end the directive and begin another.
func pageCSP(styles string, origins []string, host string) string {
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
		"style-src " + styles,
		"img-src 'self' data:",
		"connect-src " + connect,
		"frame-ancestors " + ancestors,
		"base-uri 'none'",
		"form-action 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
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
