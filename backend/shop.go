package main

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"saoma"
)

// A shop is the demo's café with its web shop and its tables, a server of its own on another origin: what a merchant
// would run. It knows Saoma's address, its two keys and the secret of its webhooks, and nothing else of it.
type shop struct {
	shopConfig
	url     string
	menu    menu
	files   fs.FS
	pages   *template.Template
	numbers pickUps
	hooks   hooks
	client  *http.Client
	http    *http.Server
	log     *slog.Logger
	done    chan struct{}
}

type shopConfig struct {
	server         string // origin of Saoma
	publishableKey string // stands in the pages
	secretKey      string // stays here
	webhookSecret  string // stays here
	sim            string // origin of the simulator, which plays the customer's phone
}

func startShop(l net.Listener, c shopConfig, log *slog.Logger) (*shop, error) {
	s := &shop{
		shopConfig: c, url: "http://" + l.Addr().String(), log: log,
		client: &http.Client{Timeout: 30 * time.Second}, done: make(chan struct{}),
	}
	var err error
	if s.files, err = fs.Sub(saoma.Public, "public/shop"); err != nil {
		return nil, fmt.Errorf("find public/shop: %w", err)
	}
	if s.menu, err = readMenu(s.files); err != nil {
		return nil, err
	}
	if s.pages, err = template.New("").Funcs(template.FuncMap{"say": say, "yuan": inYuan}).ParseFS(s.files, "*.html", "parts.tmpl"); err != nil {
		return nil, fmt.Errorf("read the shop's pages: %w", err)
	}
	if s.hooks.key, err = standardwebhooks.NewWebhook(c.webhookSecret); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /bills", s.makeBill)
	mux.HandleFunc("GET /orders/{id}", s.readOrder)
	mux.HandleFunc("POST /hooks/saoma", s.hear)
	mux.HandleFunc("GET /", s.page)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the shop stopped serving", "error", err)
		}
	}()
	return s, nil
}

func (s *shop) close() error {
	s.client.CloseIdleConnections()
	err := s.http.Close()
	<-s.done
	return err
}

// policy is all that a page with Saoma's script needs to allow: the payment server's origin in three places. The
// phone's is there for the story page alone.
func (s *shop) policy(page string) string {
	frames := s.server
	if page == "story.html" {
		frames = "'self' " + s.sim
	}
	return "default-src 'none'; script-src 'self' " + s.server + "; frame-src " + frames + "; connect-src 'self' " + s.server +
		"; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}

// page serves the pages, /table/ from table.html, and the files that belong to them.
func (s *shop) page(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	switch {
	case name == "":
		name = "index.html"
	case strings.HasSuffix(r.URL.Path, "/"):
		name += ".html"
	}
	var body []byte
	var err error
	if path.Ext(name) == ".html" {
		body, err = s.render(name, r)
		w.Header().Set("Content-Security-Policy", s.policy(name))
	} else {
		body, err = fs.ReadFile(s.files, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		s.log.Error("the shop cannot show a page", "page", name, "error", err)
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin") // H5 payments are checked by the Referer
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}

// A view is what a page is made of.
type view struct {
	Saoma, Phone, Key string
	Table             int // of the code that was scanned; 0: none, the food is taken away
	Menu              menu
}

func (s *shop) render(name string, r *http.Request) ([]byte, error) {
	t := s.pages.Lookup(name)
	if t == nil {
		return nil, fs.ErrNotExist
	}
	v := view{Saoma: s.server, Phone: s.sim + "/_sim/phone", Key: s.publishableKey, Menu: s.menu}
	if n, err := strconv.Atoi(r.URL.Query().Get("table")); err == nil && n > 0 && n < 100 {
		v.Table = n
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// say writes a text in both languages; the style sheet hides the one that is not read.
func say(chinese, english string) template.HTML {
	return template.HTML(`<span class="zh" lang="zh-CN">` + template.HTMLEscapeString(chinese) + //nolint:gosec // escaped
		`</span><span class="en" lang="en">` + template.HTMLEscapeString(english) + `</span>`)
}

// inYuan writes fen without ever making a fraction of them.
func inYuan(fen int64) string { return fmt.Sprintf("¥%d.%02d", fen/100, fen%100) }
