package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"saoma/backend/wechatsim"
)

// A shop is a merchant with the simulator as its WeChat Pay, which runs in this process. Callbacks do not leave at
// once: they are kept, to be sent when it is measured.
type shop struct {
	dir     string
	address string // of the server
	secret  string
	config  string // file
	sim     *wechatsim.Server
	http    *http.Server
	apiV3   string
	client  *http.Client

	mu        sync.Mutex
	callbacks map[string][]byte // requests, byte for byte, by out_trade_no
}

// openShop starts a simulator and writes a configuration in a new folder. more stands before the merchant.
func openShop(dir, more string) (s *shop, err error) {
	s = &shop{callbacks: make(map[string][]byte)}
	if s.dir, err = os.MkdirTemp(dir, "shop"); err != nil {
		return nil, err
	}
	m, err := wechatsim.NewMerchant()
	if err != nil {
		return nil, err
	}
	s.apiV3 = m.APIv3Key
	if s.sim, err = wechatsim.New(wechatsim.Options{Merchant: m, Transport: s}); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{Handler: s.sim, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.http.Serve(l) }() // ends with close
	if err := m.Save(s.dir, "http://"+l.Addr().String()); err != nil {
		return nil, err
	}
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256}, Timeout: time.Minute}
	return s, s.configure(more)
}

var secretKey = regexp.MustCompile(`secret_key\s*= "(sk_[^"]*)"`)

func (s *shop) configure(more string) (err error) {
	if s.address, err = freeAddress(); err != nil {
		return err
	}
	merchant, err := os.ReadFile(filepath.Join(s.dir, "merchant.toml"))
	if err != nil {
		return err
	}
	found := secretKey.FindSubmatch(merchant)
	if found == nil {
		return errors.New("there is no secret_key in merchant.toml")
	}
	s.secret = string(found[1])
	text := fmt.Sprintf("listen = %q\npublic_url = %q\n%s\n%s\n[merchant.limits]\nrequests_per_minute = 10000000\n",
		s.address, "http://"+s.address, more, merchant)
	s.config = filepath.Join(s.dir, "saoma.toml")
	return os.WriteFile(s.config, []byte(text), 0o600)
}

func (s *shop) close() error {
	return errors.Join(s.sim.Close(), s.http.Close(), os.RemoveAll(s.dir))
}

// RoundTrip keeps a callback of the simulator and answers that it was taken.
func (s *shop) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	number, err := s.numberIn(body)
	if err != nil {
		return nil, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	var request bytes.Buffer
	if err := r.Write(&request); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callbacks[number] = request.Bytes()
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r, Header: http.Header{}}, nil
}

// numberIn reads the out_trade_no of a callback.
func (s *shop) numberIn(body []byte) (string, error) {
	var envelope struct {
		Resource struct {
			Ciphertext, Nonce string
			AssociatedData    string `json:"associated_data"`
		}
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return "", err
	}
	sealed, err := base64.StdEncoding.DecodeString(envelope.Resource.Ciphertext)
	if err != nil {
		return "", err
	}
	block, err := aes.NewCipher([]byte(s.apiV3))
	if err != nil {
		return "", err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", err
	}
	plain, err := gcm.Open(nil, []byte(envelope.Resource.Nonce), sealed, []byte(envelope.Resource.AssociatedData))
	if err != nil {
		return "", err
	}
	var transaction struct {
		OutTradeNo string `json:"out_trade_no"`
	}
	err = json.Unmarshal(plain, &transaction)
	return transaction.OutTradeNo, err
}

// An order is one that was made, as its answer says, and the callback that tells of its payment.
type order struct {
	ID       string `json:"id"`
	Token    string `json:"token"`
	CodeURL  string `json:"code_url"`
	callback []byte
}

// make has n orders made by HTTP, some at once, and says how long that took.
func (s *shop) make(ctx context.Context, n int) ([]order, time.Duration, error) {
	orders := make([]order, n)
	began := time.Now()
	err := together(ctx, n, 64, func(ctx context.Context, i int) error {
		status, text, err := fetch(ctx, s.client, http.MethodPost, "http://"+s.address+"/v1/orders",
			`{"amount": 1280, "description": "拿铁 大杯"}`, s.authorization())
		if err != nil {
			return err
		}
		if status != http.StatusCreated {
			return fmt.Errorf("an order is answered %d: %s", status, text)
		}
		return json.Unmarshal(text, &orders[i])
	})
	return orders, time.Since(began), err
}

func (s *shop) authorization() map[string]string {
	return map[string]string{"Authorization": "Bearer " + s.secret, "Content-Type": "application/json"}
}

// pay has all orders paid at the simulator, and gives each its callback.
func (s *shop) pay(ctx context.Context, orders []order) error {
	err := together(ctx, len(orders), 8, func(ctx context.Context, i int) error {
		trade, err := s.sim.Pay(orders[i].CodeURL, "")
		if err != nil {
			return err
		}
		for ctx.Err() == nil {
			s.mu.Lock()
			orders[i].callback = s.callbacks[trade.OutTradeNo]
			delete(s.callbacks, trade.OutTradeNo)
			s.mu.Unlock()
			if orders[i].callback != nil {
				break
			}
			time.Sleep(100 * time.Microsecond)
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("pay: %w", err)
	}
	return nil
}
