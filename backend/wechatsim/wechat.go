package wechatsim

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"
)

// wechatFiles are the pages that WeChat shows to a customer who pays on the phone in hand.
//
//go:embed wechat
var wechatFiles embed.FS

// checkoutPolicy lets the pages load nothing but their own files.
const checkoutPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// checkoutData is what the page of an h5_url or the sheet over a JSAPI page shows.
type checkoutData struct {
	Kind     string // h5 or jsapi
	Merchant string
	Payer    string
	Trade    Trade
	Amount   string // yuan
	Trouble  string // why it cannot be paid

	Return   string // h5: redirect_url
	PrepayID string // h5
	Call     BridgeCall
	Does     string // jsapi: what the customer does at once, for tests: pay, cancel or fail
}

// wechat adds what the phone in hand sees: the silent redirect, the two pages, and the bridge.
func (s *Server) wechat(mux *http.ServeMux) {
	mux.HandleFunc("GET /connect/oauth2/authorize", s.silentLogin)
	mux.HandleFunc("GET /sns/oauth2/access_token", s.accessToken)
	mux.HandleFunc("GET "+h5Path, s.h5Page)
	mux.HandleFunc("GET /_sim/jsapi", s.sheet)
	mux.HandleFunc("GET /_sim/bridge.js", func(w http.ResponseWriter, r *http.Request) {
		s.wechatFile(w, "bridge.js", "http://"+r.Host)
	})
	mux.HandleFunc("GET /_sim/wechat/{file}", func(w http.ResponseWriter, r *http.Request) {
		s.wechatFile(w, r.PathValue("file"), "")
	})
}

func (s *Server) wechatFile(w http.ResponseWriter, name, base string) {
	kind := map[string]string{"bridge.js": "text/javascript", "pay.js": "text/javascript", "pay.css": "text/css"}[name]
	content, err := wechatFiles.ReadFile("wechat/" + name)
	if err != nil || kind == "" {
		replyError(w, &controlError{http.StatusNotFound, "not_found", "the simulator has no such file"})
		return
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = io.WriteString(w, strings.ReplaceAll(string(content), "{{base}}", base)) // the client has gone: no one to tell
}

// withTrade adds the order of a prepay_id, and why it cannot be paid if that is so.
func (s *Server) withTrade(d checkoutData, prepayID string) checkoutData {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.book.payable(prepayID, now)
	if err != nil {
		var no *PayError
		if errors.As(err, &no) && d.Trouble == "" {
			d.Trouble = no.Message
		}
		return d
	}
	d.Trade, d.Amount, d.Merchant = t.copy(), yuan(t.Total), s.payeeName(t.Trade)
	return d
}

func (s *Server) showTrouble(w http.ResponseWriter, status int, text string) {
	s.log.Info("a customer is turned away", "reason", text)
	s.show(w, status, checkoutData{Merchant: s.merchant.Name, Trouble: text})
}

func (s *Server) show(w http.ResponseWriter, status int, d checkoutData) {
	page, err := template.ParseFS(wechatFiles, "wechat/pay.html")
	var text bytes.Buffer
	if err == nil {
		err = page.Execute(&text, d)
	}
	if err != nil {
		s.log.Error("simulator failed", "page", d.Kind, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", checkoutPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the client has gone: there is no one to tell
}
