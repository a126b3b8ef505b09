package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"saoma"
)

// A shop is the demo's web shop, a server of its own on another origin: what a merchant would run. It knows
// Saoma's address and its secret key, and nothing else of it.
type shop struct {
	shopConfig
	url    string
	pages  fs.FS
	client *http.Client
	http   *http.Server
	log    *slog.Logger
	done   chan struct{}
}

type shopConfig struct {
	server    string // origin of Saoma
	phone     string // where the customer's phone is played
	secretKey string
}

func startShop(l net.Listener, c shopConfig, log *slog.Logger) (*shop, error) {
	pages, err := fs.Sub(saoma.Public, "public/shop")
	if err != nil {
		return nil, fmt.Errorf("find public/shop: %w", err)
	}
	s := &shop{
		shopConfig: c, url: "http://" + l.Addr().String(), pages: pages, log: log,
		client: &http.Client{Timeout: 30 * time.Second}, done: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /order", s.order)
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

// page serves the shop's pages. The one thing filled in is where Saoma and the phone are, which differs from
// run to run.
func (s *shop) page(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	contents, err := fs.ReadFile(s.pages, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if strings.HasSuffix(name, ".html") {
		contents = []byte(strings.NewReplacer("{{saoma}}", s.server, "{{phone}}", s.phone).Replace(string(contents)))
	}
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(contents))
}

// order is what a shop's server does when it prices orders itself: it asks Saoma for one and gives the
// browser the token. This one lives for a minute, so that a visitor can watch it expire.
func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	token, err := s.makeOrder(r)
	if err != nil {
		s.log.Error("the shop got no order", "error", err)
		http.Error(w, "no order", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The browser may have left; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(map[string]string{"token": token})
}

func (s *shop) makeOrder(r *http.Request) (token string, err error) {
	body := `{"amount":1280,"description":"桂花乌龙","expires_in":60,"reference":"table-7"}`
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, s.server+"/v1/orders", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+s.secretKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return "", fmt.Errorf("POST /v1/orders answered %d: %s", res.StatusCode, text)
	}
	var order struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&order); err != nil {
		return "", fmt.Errorf("read the order: %w", err)
	}
	return order.Token, nil
}
