package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"saoma/backend/wechatsim"
)

// A configuration mistake stops the start with one line that says what to mend, without the secret itself.
func TestMistakesInTheConfiguration(t *testing.T) {
	t.Parallel()
	folder := dataFolder(t)
	m, err := wechatsim.OpenMerchant(filepath.Join(folder, "sim"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(filepath.Join(folder, "sim"), "http://127.0.0.1:9"); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, folder, "127.0.0.1:0")
	good, err := os.ReadFile(filepath.Join(folder, "saoma.toml"))
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := filepath.Join(folder, "pkcs1.pem")
	writePKCS1(t, m.PrivateKeyPEM, pkcs1)
	key := filepath.Join(folder, "sim", "apiclient_key.pem")

	for name, c := range map[string]struct {
		old, new string // what is changed in the good configuration
		says     []string
	}{
		"unknown key":               {"publishable_key", "publishible_key", []string{":11: ", "unknown key", "publishible_key"}},
		"unknown key at the top":    {"listen =", "colour = \"red\"\nlisten =", []string{":1: ", "colour"}},
		"not TOML":                  {"listen =", "listen", []string{":1: "}},
		"wrong type":                {`listen = "127.0.0.1:0"`, "listen = 8080", []string{":1: "}},
		"missing key file":          {key, key + "x", []string{"private_key", "apiclient_key.pemx", "no such file"}},
		"private key in PKCS#1":     {key, pkcs1, []string{"private_key", "PKCS#1", "openssl"}},
		"public key as private key": {key, filepath.Join(folder, "sim", "pub_key.pem"), []string{"private_key"}},
		"short API v3 key":          {m.APIv3Key, m.APIv3Key[:31], []string{"api_v3_key", "32"}},
		"variable not set":          {`"` + m.APIv3Key + `"`, `"env:SAOMA_TEST_NOT_SET"`, []string{"api_v3_key", "SAOMA_TEST_NOT_SET"}},
		"bad serial":                {m.Serial, "123", []string{"serial"}},
		"bad public key id":         {m.PublicKeyID, "PUB", []string{"public_key_id"}},
		"path in the public url":    {"public_url = \"http://127.0.0.1:0", "public_url = \"http://127.0.0.1:0/pay", []string{"public_url"}},
		"origin with a slash":       {"origins         = []", `origins = ["https://shop.example/"]`, []string{"origins", "https://shop.example/"}},
		"short secret key":          {`"sk_`, "\"sk\"\n#", []string{"secret_key"}},
		"a bus without a server":    {"listen =", "bus = \"nats://127.0.0.1:4222\"\nlisten =", []string{"bus", "postgres"}},
		"database elsewhere":        {"listen =", "database = \"env:SAOMA_TEST_UNSET\"\nlisten =", []string{"database", "SAOMA_TEST_UNSET"}},
		"unknown database":          {"listen =", "database = \"mysql://x\"\nlisten =", []string{"database"}},
		"late with a typo":          {"origins         =", "late = \"refuse\"\norigins =", []string{"late", "accept", "refund"}},
		"unknown look":              {"[merchant.wechat]", "[merchant.looks]\ncolour = \"#fff\"\n[merchant.wechat]", []string{"looks", "colour", "accent"}},
		"look that is no colour":    {"[merchant.wechat]", "[merchant.looks]\naccent = \"url(x)\"\n[merchant.wechat]", []string{"looks", "accent", "url(x)"}},
		"sub_appid alone":           {"serial", "sub_appid = \"wx1\"\nserial", []string{"sub_appid", "sub_mchid is missing"}},
		"its own service provider":  {"serial", "sub_mchid = \"" + m.MchID + "\"\nserial", []string{"sub_mchid", "特约商户号"}},
		"sub_mchid with letters":    {"serial", "sub_mchid = \"cafe\"\nserial", []string{"sub_mchid", "digits"}},
		"public key without its id": {"public_key_id", "#", []string{"public_key_id is missing"}},
		"public key id alone":       {"public_key  ", "#", []string{"public_key is missing"}},
		"certificates with a typo":  {"serial", "platform_certificates = \"yes\"\nserial", []string{"PlatformCertificates", "bool"}},
		"unknown channel":           {`"jsapi", "h5"]`, `"fax"]`, []string{"channels", "fax", "jsapi"}},
		"no native":                 {`["native", `, `[`, []string{"channels", "native"}},
		"jsapi without a secret":    {"app_secret      = \"" + m.AppSecret, "app_secret      = \"", []string{"app_secret", "jsapi"}},
		"an odd secret":             {m.AppSecret, "a b", []string{"app_secret"}},
		"a path in the oauth url":   {`oauth_url       = "http://127.0.0.1:9`, `oauth_url       = "http://127.0.0.1:9/x`, []string{"oauth_url"}},
		"no open url":               {`open_url        = "http`, `open_url        = "ftp`, []string{"open_url"}},
		"a proxy without its net":   {"listen =", "trusted_proxies = [\"10.0.0.1\"]\nlisten =", []string{"trusted_proxies", "10.0.0.1"}},
		"a webhook without TLS": {"origins         =", "webhook_url = \"http://shop.example/hooks\"\norigins =",
			[]string{"webhook_url", "https", "webhook_private"}},
		"a webhook without a secret": {"origins         =", "webhook_url = \"https://shop.example/hooks\"\norigins =",
			[]string{"webhook_secret is missing"}},
		"a short webhook secret": {"origins         =", "webhook_url = \"https://shop.example/hooks\"\nwebhook_secret = \"whsec_QUJD\"\norigins =",
			[]string{"webhook_secret", "24"}},
		"id with a slash": {`"cafe"`, `"a/b"`, []string{"id"}},
	} {
		file := filepath.Join(t.TempDir(), "saoma.toml")
		text := strings.Replace(string(good), c.old, c.new, 1)
		if text == string(good) {
			t.Fatalf("%s: %q is not in the configuration:\n%s", name, c.old, good)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := runServer(t.Context(), serveCommand{Config: file}, slog.New(slog.DiscardHandler), &bytes.Buffer{})
		if err == nil {
			t.Errorf("%s: the server started", name)
			continue
		}
		line := err.Error()
		if !strings.HasPrefix(line, file) || strings.Contains(line, "\n") || len(line) > 500 {
			t.Errorf("%s: says %q; want one line that begins with the file", name, line)
		}
		for _, word := range c.says {
			if !strings.Contains(line, word) {
				t.Errorf("%s: says %q; want it to name %s", name, line, word)
			}
		}
		for _, secret := range []string{m.APIv3Key[:31], "BEGIN", "MII"} {
			if strings.Contains(strings.ReplaceAll(line, "BEGIN RSA PRIVATE KEY", ""), secret) {
				t.Errorf("%s: shows a secret: %q", name, line)
			}
		}
	}
}

func writePKCS1(t *testing.T, pkcs8 []byte, file string) {
	t.Helper()
	block, _ := pem.Decode(pkcs8)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey))})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The server serves the configuration that the simulator writes, until it is told to stop.
func TestServeAConfiguration(t *testing.T) {
	t.Parallel()
	folder := dataFolder(t)
	w := configured(t, folder, freeAddress(t), wechatsim.Options{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-config", filepath.Join(folder, "saoma.toml")}, &bytes.Buffer{}) }()
	eventually(t, "the server answers", func() bool { return healthy(t, w.url) })
	a := w.call(t, "POST", "/v1/orders", `{"amount":1280,"description":"tea"}`, w.secret())
	var o order
	a.json(t, &o)
	w.pays(t, o)
	w.wantStatus(t, o.ID, "paid")
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	info, err := os.Stat(filepath.Join(folder, "saoma.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database beside the configuration: %v, %v", info, err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"version"}, &out); err != nil || !strings.HasPrefix(out.String(), "saoma ") {
		t.Errorf("version: %q, %v", out.String(), err)
	}
	for _, args := range [][]string{{"-colour", "red"}, {"dance"}, {"sim"}, {"-config"}} {
		if err := run(t.Context(), args, &out); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
