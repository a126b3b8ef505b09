package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2"

	"saoma/backend/pay"
	"saoma/backend/server"
	"saoma/backend/wechat"
)

// A config is what a TOML file says, checked and with its secrets read.
type config struct {
	Listen    string           `toml:"listen"`
	PublicURL string           `toml:"public_url"`
	Database  string           `toml:"database"`        // "sqlite:PATH" or "postgres://…"
	Bus       string           `toml:"bus"`             // "nats://…": what servers that share a database hear of each other by
	Proxies   []string         `toml:"trusted_proxies"` // whose X-Forwarded-For is believed
	Metrics   string           `toml:"metrics_token"`   // opens /metrics
	Merchants []merchantConfig `toml:"merchant"`

	dir        string     // of the file: relative paths start here
	localPayer netip.Addr // see server.Server.LocalPayer
}

type merchantConfig struct {
	ID             string       `toml:"id"`
	Name           string       `toml:"name"`
	PublishableKey string       `toml:"publishable_key"`
	SecretKey      string       `toml:"secret_key"`
	Origins        []string     `toml:"origins"`
	Late           string       `toml:"late"` // "accept" or "refund"
	Limits         limitsConfig `toml:"limits"`
	Looks          pay.Looks    `toml:"looks"`
	WeChat         wechatConfig `toml:"wechat"`
	webhookConfig
}

const (
	wechatAPI       = "https://api.mch.weixin.qq.com"  // doc 4012791877
	wechatBackup    = "https://api2.mch.weixin.qq.com" // when that cannot be reached (doc 4012075113)
	wechatOAuth     = "https://api.weixin.qq.com"      // tells an openid
	wechatOpen      = "https://open.weixin.qq.com"     // where a browser inside WeChat is sent for one
	defaultListen   = "127.0.0.1:8080"
	sqliteScheme    = "sqlite:"
	defaultDatabase = sqliteScheme + "saoma.db"
	secretKeyMin    = 16 // bytes; a shorter one can be guessed
)

// loadConfig reads a file. Its errors are one line that says what to mend, and where.
func loadConfig(file string) (config, error) {
	c, err := readConfig(file)
	if err != nil {
		return c, err
	}
	if err := errors.Join(c.resolve(), c.check()); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return c, fmt.Errorf("%s: %s", file, printable(first))
	}
	return c, nil
}

// readConfig reads a file as it stands, with the defaults. With an unknown key the error comes beside all the others.
func readConfig(file string) (config, error) {
	c := config{Listen: defaultListen, Database: defaultDatabase, dir: filepath.Dir(file)}
	text, err := os.ReadFile(file)
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&c)
	c.fillIn()
	if err != nil {
		return c, tomlError(file, err)
	}
	return c, nil
}

// fillIn gives what was left out its default.
func (c *config) fillIn() {
	if c.Proxies == nil {
		c.Proxies = []string{"127.0.0.0/8", "::1/128"}
	}
	for i := range c.Merchants {
		w := &c.Merchants[i].WeChat
		w.APIURL = cmp.Or(w.APIURL, wechatAPI)
		w.OAuthURL, w.OpenURL = cmp.Or(w.OAuthURL, wechatOAuth), cmp.Or(w.OpenURL, wechatOpen)
		if w.Channels == nil {
			w.Channels = []string{string(pay.Native)}
		}
	}
}

// printable makes what a file said fit for a line of a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// tomlError says file, line and key in one line; the library draws a picture of several.
func tomlError(file string, err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(strict.Errors) > 0 {
		e := strict.Errors[0]
		line, _ := e.Position()
		return fmt.Errorf("%s:%d: unknown key %s", file, line, printable(strings.Join(e.Key(), ".")))
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := e.Position()
		return fmt.Errorf("%s:%d: %s", file, line, printable(e.Error()))
	}
	return fmt.Errorf("%s: %s", file, printable(err.Error()))
}

// resolve reads the values that stand elsewhere.
func (c *config) resolve() error {
	if err := c.resolveDatabase(); err != nil {
		return err
	}
	for i := range c.Merchants {
		m := &c.Merchants[i]
		for _, v := range []struct {
			key   string
			value *string
		}{
			{"secret_key", &m.SecretKey},
			{"webhook_url", &m.WebhookURL},
			{"webhook_secret", &m.WebhookSecret},
			{"webhook_secret_previous", &m.WebhookPrevious},
			{"wechat.private_key", &m.WeChat.PrivateKey},
			{"wechat.api_v3_key", &m.WeChat.APIv3Key},
			{"wechat.public_key", &m.WeChat.PublicKey},
			{"wechat.app_secret", &m.WeChat.AppSecret},
		} {
			read, err := c.lookUp(*v.value)
			if err != nil {
				return fmt.Errorf("merchant %q: %s: %w", m.ID, v.key, err)
			}
			*v.value = read
		}
	}
	return nil
}

// lookUp follows "env:NAME" and "file:PATH". Its errors never hold what it read.
func (c *config) lookUp(value string) (string, error) {
	if name, ok := strings.CutPrefix(value, "env:"); ok {
		v, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		return strings.TrimSpace(v), nil
	}
	if path, ok := strings.CutPrefix(value, "file:"); ok {
		b, err := os.ReadFile(c.at(path))
		if err != nil {
			return "", fmt.Errorf("the file cannot be read: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	return value, nil
}

// at returns where a path of the file leads.
func (c *config) at(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}

var plainName = regexp.MustCompile(`^[0-9a-z][0-9a-z_-]{0,31}$`)

func (c *config) check() error {
	if err := c.checkShared(); err != nil {
		return err
	}
	return c.checkMerchants()
}

// checkShared checks what is of no single merchant.
func (c *config) checkShared() error {
	if err := checkOrigin("public_url", c.PublicURL); err != nil {
		return err
	}
	if err := c.checkDatabase(); err != nil {
		return err
	}
	if _, err := c.trustedProxies(); err != nil {
		return err
	}
	if c.Metrics != "" && len(c.Metrics) < secretKeyMin {
		return fmt.Errorf("metrics_token must have at least %d characters", secretKeyMin)
	}
	return nil
}

func (c *config) checkMerchants() error {
	if len(c.Merchants) == 0 {
		return errors.New("there is no [[merchant]]")
	}
	seen := make(map[string]bool)
	for _, m := range c.Merchants {
		if err := m.check(); err != nil {
			return fmt.Errorf("merchant %q: %w", m.ID, err)
		}
		for _, name := range []string{"id " + m.ID, "publishable_key " + m.PublishableKey, m.SecretKey} {
			if seen[name] {
				return fmt.Errorf("merchant %q: its id and keys must differ from other merchants'", m.ID)
			}
			seen[name] = true
		}
	}
	return nil
}

func (m merchantConfig) check() error {
	switch {
	case !plainName.MatchString(m.ID):
		return errors.New("id must be 1 to 32 of a-z, 0-9, _ and -, for it stands in the callback's path")
	case m.Name == "":
		return errors.New("name is missing: customers read it as the payee")
	case m.PublishableKey == "":
		return errors.New("publishable_key is missing")
	case len(m.SecretKey) < secretKeyMin:
		return fmt.Errorf("secret_key must have at least %d characters", secretKeyMin)
	case m.Late != "" && m.Late != string(pay.LateAccept) && m.Late != string(pay.LateRefund):
		return fmt.Errorf("late must be %q or %q", pay.LateAccept, pay.LateRefund)
	}
	if err := m.webhookConfig.check(); err != nil {
		return err
	}
	if err := m.Limits.check(); err != nil {
		return fmt.Errorf("[merchant.limits]: %w", err)
	}
	if err := m.WeChat.checkChannels(); err != nil {
		return fmt.Errorf("[merchant.wechat]: %w", err)
	}
	if err := server.CheckLooks(m.Looks); err != nil {
		return fmt.Errorf("[merchant.looks]: %w", err)
	}
	for _, origin := range m.Origins {
		if err := checkOrigin("origins", origin); err != nil {
			return err
		}
	}
	return nil
}

// trustedProxies are the networks of the reverse proxies before us.
func (c *config) trustedProxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range c.Proxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %.60q must be a network like 10.0.0.0/8 or 192.0.2.7/32", text)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// settings are what the server's part of the program has of the file.
func (c *config) settings() (server.Settings, error) {
	proxies, err := c.trustedProxies()
	if err != nil {
		return server.Settings{}, err
	}
	o := server.Settings{TrustedProxies: proxies}
	if c.Metrics != "" {
		o.MetricsToken = pay.DigestOf(c.Metrics)
	}
	return o, nil
}

// checkOrigin holds the form that browsers send: scheme and host, nothing behind.
func checkOrigin(key, origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
		return fmt.Errorf("%s: %q must be like https://pay.example.com, without a path", key, origin)
	}
	return nil
}

// merchants returns what the domain and what the gateway must know of every merchant.
func (c *config) merchants() ([]pay.Merchant, map[pay.MerchantID]wechat.Account, error) {
	var list []pay.Merchant
	accounts := make(map[pay.MerchantID]wechat.Account)
	for _, m := range c.Merchants {
		a, err := m.account(c.PublicURL)
		if err != nil {
			return nil, nil, fmt.Errorf("merchant %q: [merchant.wechat]: %w", m.ID, err)
		}
		id := pay.MerchantID(m.ID)
		accounts[id] = a
		list = append(list, pay.Merchant{
			ID: id, Name: m.Name, MchID: a.MchID, AppID: a.AppID, SubMchID: a.SubMchID,
			PublishableKey: m.PublishableKey, SecretDigest: pay.DigestOf(m.SecretKey), Origins: m.Origins,
			Late: pay.LatePolicy(m.Late), Limits: m.Limits.limits(), Channels: channelsOf(m.WeChat.Channels),
			WebhookURL: m.WebhookURL, Looks: m.Looks,
		})
	}
	return list, accounts, nil
}
