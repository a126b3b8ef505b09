package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"saoma/backend/pay"
	"saoma/backend/server"
	"saoma/backend/wechatsim"
)

// demoMerchant is the café of the demo.
const (
	demoMerchant       = "cafe"
	demoPublishableKey = "pk_demo"
)

// A demo is the three programs of the demonstration in one: the server, a shop and a WeChat Pay.
type demo struct {
	service *service
	shop    *shop
	sim     *simulator

	url           string // of the server
	secretKey     string
	webhookSecret string
	data          string
}

// runDemo runs the demo until ctx ends.
func runDemo(ctx context.Context, c serveCommand, out io.Writer) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	d, err := startDemo(ctx, c, log, options{})
	if err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	password, err := d.invite(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("invite the demo's staff: %w", err), d.close())
	}
	_, err = fmt.Fprintf(out, `
Saoma 扫码 — the demo is running. Everything on one screen, a shop beside its customer's phone:

  story    %[1]s/story/

Each for itself:

  shop     %[1]s/                   a web shop: a cart, pay, thank you
  table    %[1]s/table/?table=7     a restaurant's table, as it opens on a phone
  counter  %[1]s/counter/           a kiosk
  phone    %[2]s/_sim/phone         plays the customer's WeChat

  staff    %[3]s/dashboard/        sign in as owner, cashier or accountant; the password of today is %[7]s
  server   %[3]s
  API key  %[4]s        (secret key of the merchant %[5]q, for curl)
  data     %[6]s

`, d.shop.url, d.sim.url, d.url, d.secretKey, demoMerchant, d.data, password)
	if err != nil {
		log.Warn("print the addresses", "error", err)
	}
	<-ctx.Done()
	return d.close()
}

// startDemo starts the three on their addresses.
func startDemo(ctx context.Context, c serveCommand, log *slog.Logger, o options) (d *demo, err error) {
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	d = &demo{data: c.Data, secretKey: "sk_demo_" + rand.Text(), webhookSecret: newWebhookSecret()}
	if d.data == "" {
		if d.data, err = demoFolder(); err != nil {
			return nil, err
		}
	}
	var l [3]net.Listener
	for i, address := range [...]string{c.Listen, c.DemoShop, c.DemoSim} {
		if l[i], err = server.Listen(ctx, address); err != nil {
			return nil, errors.Join(err, closeAll(l[:i]))
		}
	}
	if o.wrap != nil {
		l[0] = o.wrap(l[0])
	}
	if err := d.start(ctx, l[0], l[1], l[2], log, o); err != nil {
		return nil, errors.Join(err, closeAll(l[:]), d.close())
	}
	return d, nil
}

func closeAll(listeners []net.Listener) (err error) {
	for _, l := range listeners {
		if e := l.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// demoFolder is where the demo keeps its data if nobody says otherwise.
func demoFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the demo's data (or name one with -data): %w", err)
	}
	return filepath.Join(cache, "saoma-demo"), nil
}

func (d *demo) start(ctx context.Context, server, shop, sim net.Listener, log *slog.Logger, o options) (err error) {
	d.url = "http://" + server.Addr().String()
	_, port, _ := net.SplitHostPort(server.Addr().String())
	registered := []string{server.Addr().String(), "localhost:" + port}
	if d.sim, err = startSim(sim, filepath.Join(d.data, "sim"), log.With("part", "sim"), wechatsim.Options{
		Domains: registered, Origins: shopOrigins(shop.Addr()), Transport: o.callbacks,
	}); err != nil {
		return err
	}
	c := d.config(d.sim.Merchant(), shop.Addr())
	if o.configure != nil {
		o.configure(&c)
	}
	if d.service, err = newService(ctx, c, log, o); err != nil {
		return err
	}
	products, err := demoProducts()
	if err != nil {
		return err
	}
	err = d.service.store.Update(ctx, func(tx pay.Tx) error {
		for _, p := range products {
			if err := tx.PutProduct(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("fill the catalogue: %w", err)
	}
	d.service.start(server)
	d.shop, err = startShop(shop, shopConfig{
		server: d.url, publishableKey: demoPublishableKey, secretKey: d.secretKey, webhookSecret: d.webhookSecret, sim: d.sim.url,
	}, log)
	return err
}

// shopOrigins are the shop's origins: people type either.
func shopOrigins(shop net.Addr) []string {
	_, port, _ := net.SplitHostPort(shop.String())
	return []string{"http://" + shop.String(), "http://localhost:" + port}
}

// config is what a configuration file would say.
func (d *demo) config(m *wechatsim.Merchant, shop net.Addr) config {
	return config{
		PublicURL: d.url,
		Metrics:   d.secretKey,
		Proxies:   []string{"127.0.0.0/8", "::1/128"},
		// The demo's browser is on this machine. WeChat Pay wants a customer's address and never 127.0.0.1, so it is
		// told one that no machine has (RFC 5737).
		localPayer: netip.MustParseAddr("192.0.2.1"),
		Database:   sqliteScheme + filepath.Join(d.data, "saoma.db"),
		Merchants: []merchantConfig{{
			ID: demoMerchant, Name: "街角咖啡", PublishableKey: demoPublishableKey, SecretKey: d.secretKey,
			Origins: shopOrigins(shop), Limits: limitsConfig{Requests: limitMax, Checkouts: limitMax}, // all come from this machine
			webhookConfig: webhookConfig{
				WebhookURL: "http://" + shop.String() + "/hooks/saoma", WebhookSecret: d.webhookSecret, WebhookPrivate: true,
			},
			WeChat: wechatConfig{
				APIURL: d.sim.url, AppID: m.AppID, MchID: m.MchID, Serial: m.Serial,
				PrivateKey: string(bytes.TrimSpace(m.PrivateKeyPEM)), APIv3Key: m.APIv3Key,
				PublicKeyID: m.PublicKeyID, PublicKey: string(bytes.TrimSpace(m.PublicKeyPEM)),
				Channels: []string{"native", "jsapi", "h5"}, AppSecret: m.AppSecret, OAuthURL: d.sim.url, OpenURL: d.sim.url,
			},
		}},
	}
}

// newWebhookSecret makes what the Standard Webhooks specification wants of one.
func newWebhookSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(raw)
}

func (d *demo) close() (err error) {
	if d.shop != nil {
		err = errors.Join(err, d.shop.close())
	}
	if d.service != nil {
		err = errors.Join(err, d.service.close())
	}
	if d.sim != nil {
		err = errors.Join(err, d.sim.close())
	}
	return err
}
