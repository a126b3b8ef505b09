package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/server/dashboard"
	"saoma/backend/wechatsim"
)

// A clinic is a folder with a configuration, a server that runs on it, and a WeChat Pay.
type clinic struct {
	*world
	folder string
	good   string // the configuration
	merchantConfig
}

// newClinic starts a server on the configuration, after an alteration.
func newClinic(t *testing.T, alter ...string) *clinic {
	t.Helper()
	return openClinic(t, dataFolder(t), wechatsim.Options{}, alter...)
}

func openClinic(t *testing.T, folder string, o wechatsim.Options, alter ...string) *clinic {
	t.Helper()
	c := &clinic{folder: folder}
	l := listen(t)
	c.world = configured(t, c.folder, l.Addr().String(), o)
	text, err := os.ReadFile(filepath.Join(c.folder, "saoma.toml"))
	if err != nil {
		t.Fatal(err)
	}
	c.good = regexp.MustCompile(`origins .*`).ReplaceAllString(string(text), `origins = ["https://shop.example"]`)
	config, err := loadConfig(c.write(t, "running.toml", c.good, alter...))
	if err != nil {
		t.Fatal(err)
	}
	c.merchantConfig = config.Merchants[0]
	if c.service, err = newService(t.Context(), config, slog.New(slog.NewTextHandler(&c.log, nil)), options{}); err != nil {
		t.Fatal(err)
	}
	c.service.start(l)
	t.Cleanup(func() {
		if err := c.service.close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// write puts a configuration beside the others. Each alteration is "key = value", or a line for the top of the file.
func (c *clinic) write(t *testing.T, name, text string, alter ...string) string {
	t.Helper()
	for _, line := range alter {
		key, _, _ := strings.Cut(line, " ")
		if place := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `\s+=.*$`); place.MatchString(text) {
			text = place.ReplaceAllLiteralString(text, line)
		} else {
			text = line + "\n" + text
		}
	}
	file := filepath.Join(c.folder, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// keep puts a file into the folder.
func (c *clinic) keep(t *testing.T, name string, text []byte, mode os.FileMode) {
	t.Helper()
	file := filepath.Join(c.folder, name)
	if err := os.WriteFile(file, text, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

// examine returns what the doctor finds, as "name: result: found → todo".
func (c *clinic) examine(t *testing.T, alter ...string) (lines []string) {
	t.Helper()
	name := strings.ReplaceAll(t.Name(), "/", "_") + ".toml"
	d := doctor{file: c.write(t, name, c.good, alter...), patience: 3 * time.Second}
	d.examine(t.Context(), func(k pay.Check) {
		lines = append(lines, fmt.Sprintf("%s: %s: %s → %s", k.Name, k.Result, k.Found, k.Todo))
		for _, said := range []string{k.Found, k.Todo} {
			if left := englishIn(dashboard.Say("zh-CN", said)); left != "" {
				t.Errorf("%s: there is no Chinese for %q in %q", k.Name, left, dashboard.Say("zh-CN", said))
			}
		}
		for _, secret := range []string{c.secretKey, c.sim.Merchant().APIv3Key, c.sim.Merchant().AppSecret, "PRIVATE KEY-----"} {
			if strings.Contains(k.Found+k.Todo, secret) {
				t.Errorf("%s tells a secret: %s %s", k.Name, k.Found, k.Todo)
			}
		}
	})
	return lines
}

// englishIn finds English words in a text in Chinese. Words of others are not ours to translate: the kernel's, a database's,
// those of a library, and commands to be typed.
func englishIn(text string) string {
	text = regexp.MustCompile(`openssl [a-zA-Z0-9 .-]+|failed to connect to .*|ERROR: .*|FATAL: .*|(tls|x509|toml|dial tcp|read tcp|lookup [^:]*): ?.*|no such host|`+
		`unable to open database file.*|file is not a database.*|database is locked.*`).ReplaceAllString(text, "")
	return regexp.MustCompile(`\b[a-z]['a-z]+( [a-z]['a-z]*){2,}\b`).FindString(text)
}

// otherKey is a good key that WeChat Pay does not know.
var otherKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pemOf(t *testing.T, kind string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestDoctorFindsAHealthySetUp(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	o := c.order(t)
	if _, err := c.sim.Pay(o.CodeURL, ""); err != nil {
		t.Fatal(err)
	}
	c.wantStatus(t, o.ID, "paid")
	c.certificate(t, nil)
	lines := c.examine(t)
	for _, name := range []string{"TLS", "public address", "database", "private key", "public key", "API v3 key", "numbers",
		"certificate", "clock", "self-test", "callback", "history"} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+": ok: ") }) {
			t.Errorf("%s is not ok", name)
		}
	}
	for _, l := range lines {
		if strings.Contains(l, ": broken: ") || strings.Contains(l, ": warning: ") || !strings.HasSuffix(l, "→ ") && strings.Contains(l, ": ok: ") {
			t.Error(l)
		}
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{"doctor", "-config", filepath.Join(c.folder, "running.toml")}, &out)
	if err != nil || !strings.Contains(out.String(), "\ncafe:\n  ok       private key      RSA, 2048 bits, PKCS#8\n") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("the command: %v\n%s", err, out.String())
	}
	if t.Failed() {
		t.Log(strings.Join(lines, "\n"))
	}
}

// order makes an order of an amount: a clinic has no catalogue.
func (c *clinic) order(t *testing.T) (o order) {
	t.Helper()
	a := c.call(t, "POST", "/v1/orders", `{"amount":100,"description":"tea"}`, c.secret())
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a.json(t, &o)
	return o
}

// certificate puts an apiclient_cert.pem beside the private key, after an alteration.
func (c *clinic) certificate(t *testing.T, alter func(*x509.Certificate) *rsa.PrivateKey) {
	t.Helper()
	block, _ := pem.Decode(c.sim.Merchant().PrivateKeyPEM)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(*rsa.PrivateKey)
	serial, _ := new(big.Int).SetString(c.sim.Merchant().Serial, 16)
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: c.sim.Merchant().MchID},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(5, 0, 0)}
	if alter != nil {
		if other := alter(template); other != nil {
			key = other
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	c.keep(t, "sim/apiclient_cert.pem", pemOf(t, "CERTIFICATE", der, err), 0o600)
}

// Each kind of broken set-up, and the line that must be said of it.
func TestDoctorSaysWhatIsBroken(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.order(t)
	key := otherKey()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	c.keep(t, "other_key.pem", pemOf(t, "PRIVATE KEY", pkcs8, err), 0o600)
	c.keep(t, "pkcs1.pem", pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), nil), 0o600)
	pkix, err := x509.MarshalPKIXPublicKey(key.Public())
	c.keep(t, "other_pub.pem", pemOf(t, "PUBLIC KEY", pkix, err), 0o644)
	own, err := x509.MarshalPKIXPublicKey(mustKey(t, c.sim.Merchant().PrivateKeyPEM).Public())
	c.keep(t, "own_pub.pem", pemOf(t, "PUBLIC KEY", own, err), 0o644)
	c.keep(t, "cert.pem", pemOf(t, "CERTIFICATE", pkix, nil), 0o644)
	c.keep(t, "empty.pem", nil, 0o600)
	c.keep(t, "open.pem", c.sim.Merchant().PrivateKeyPEM, 0o644)
	c.keep(t, "broken.db", bytes.Repeat([]byte("no database "), 1000), 0o600)
	if err := os.Mkdir(filepath.Join(c.folder, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	silent := freeAddress(t)
	for name, x := range map[string]struct {
		alter []string
		want  []string // regular expressions, each of one line
	}{
		"unknown key":                {[]string{"colour = 'red'"}, []string{`^configuration: broken: .*:1: unknown key colour → .`, `^self-test: ok`}},
		"not TOML":                   {[]string{"]["}, []string{`^configuration: broken: .*toml:1: .* → .`}},
		"private key missing":        {[]string{"private_key = 'file:nowhere.pem'"}, []string{`^private key: broken: .*no such file.* → put the file`, `^self-test: skipped`, `^API v3 key: ok`}},
		"private key is a folder":    {[]string{"private_key = 'file:folder'"}, []string{`^private key: broken: .*directory`}},
		"variable not set":           {[]string{"private_key = 'env:SAOMA_NEVER_SET'"}, []string{`^private key: broken: .*SAOMA_NEVER_SET is not set → set it`}},
		"certificate as private key": {[]string{"private_key = 'file:cert.pem'"}, []string{`^private key: broken: this is a certificate.*→ choose apiclient_key.pem`}},
		"public key as private key":  {[]string{"private_key = 'file:own_pub.pem'"}, []string{`^private key: broken: this is a public key → choose apiclient_key.pem`}},
		"PKCS#1":                     {[]string{"private_key = 'file:pkcs1.pem'"}, []string{`^private key: broken: this key is PKCS#1.* → convert it: openssl`}},
		"empty private key":          {[]string{"private_key = 'file:empty.pem'"}, []string{`^private key: broken: is empty → choose`}},
		"everybody reads it":         {[]string{"private_key = 'file:open.pem'"}, []string{`^private key: warning: .*mode is 0644 → chmod 600`, `^self-test: ok`}},
		"another private key":        {[]string{"private_key = 'file:other_key.pem'"}, []string{`^private key: ok`, `^self-test: broken: .*SIGN_ERROR.* → private_key and serial must be of one`}},
		"private key as public key":  {[]string{"public_key = 'file:other_key.pem'"}, []string{`^public key: broken: this is a private key → choose pub_key.pem`}},
		"own public key":             {[]string{"public_key = 'file:own_pub.pem'"}, []string{`^public key: broken: this is the merchant's own key → choose`}},
		"another public key":         {[]string{"public_key = 'file:other_pub.pem'"}, []string{`^self-test: broken: .*PARAM_ERROR.* → public_key must be the key that public_key_id names`}},
		"another public key id":      {[]string{"public_key_id = 'PUB_KEY_ID_0123'"}, []string{`^self-test: broken: .* → public_key_id must be the one`}},
		"API v3 key too short":       {[]string{"api_v3_key = 'short'"}, []string{`^API v3 key: broken: 5 bytes → copy`}},
		"API v3 key of other bytes":  {[]string{"api_v3_key = '字aaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"}, []string{`^API v3 key: broken: 32 bytes, but not all`}},
		"serial with colons":         {[]string{"serial = 'AA:BB'"}, []string{`^serial: broken: it has another form → .*without colons`}},
		"another serial":             {[]string{"serial = '" + strings.Repeat("A", 40) + "'"}, []string{`^self-test: broken: .*SIGN_ERROR`}},
		"no mchid, no appid":         {[]string{"mchid = ''", "appid = ''"}, []string{`^mchid: broken: it is missing`, `^appid: broken: it is missing`}},
		"another mchid":              {[]string{"mchid = '1900000001'"}, []string{`^self-test: broken: `}},
		"WeChat Pay out of reach":    {[]string{"api_url = 'http://" + silent + "'"}, []string{`^clock: broken: .*refused → let this machine reach`, `^private key: ok`}},
		"something else answers":     {[]string{"api_url = '" + c.url + "'"}, []string{`^self-test: broken: .* → this is not WeChat Pay's answer`}},
		"short secret key":           {[]string{"secret_key = 'short'"}, []string{`^configuration: broken: secret_key must have`, `^self-test: ok`, `^callback: ok`}},
		"no name, no origins":        {[]string{"name = ''", "origins = []"}, []string{`^configuration: broken: name is missing`, `^origins: warning: none`}},
		"no server there":            {[]string{"public_url = 'http://" + silent + "'"}, []string{`^public address: broken: nothing answers.* → start the server`, `^callback: broken: WeChat Pay was asked to call .* within 3s → run the server`}},
		"another program there":      {[]string{"public_url = '" + c.sim.url + "'"}, []string{`^public address: broken: something else answers /healthz there: 404`}},
		"http in the internet":       {[]string{"public_url = 'http://pay.invalid'"}, []string{`^TLS: broken: public_url is http → let a reverse proxy`, `^public address: broken`}},
		"public_url with a path":     {[]string{"public_url = 'https://pay.example/x'"}, []string{`^configuration: broken: public_url: .*without a path`, `^private key: ok`}},
		"no database":                {[]string{"database = 'sqlite:broken.db'"}, []string{`^database: broken: .*not a database.* → `, `^self-test: ok`, `^history: skipped`}},
		"database is a folder":       {[]string{"database = 'sqlite:folder'"}, []string{`^database: broken: .*is a directory`}},
		"no database yet":            {[]string{"database = 'sqlite:new.db'"}, []string{`^database: ok: .*new.db is not there yet`, `^callback: skipped: .* → start the server`}},
		"another kind of database":   {[]string{"database = 'mysql:x'"}, []string{`^configuration: broken: database must be`, `^database: skipped`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := c.examine(t, x.alter...)
			for _, want := range x.want {
				if !slices.ContainsFunc(lines, regexp.MustCompile(want).MatchString) {
					t.Errorf("no line is like %s:\n%s", want, strings.Join(lines, "\n"))
				}
			}
		})
	}
}

func mustKey(t *testing.T, text []byte) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func TestDoctorReadsTheCertificate(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	for _, x := range []struct {
		name, want string
		alter      func(*x509.Certificate) *rsa.PrivateKey
	}{
		{"another serial", `^certificate: broken: serial 0{39}7 → set serial to that`, func(k *x509.Certificate) *rsa.PrivateKey { k.SerialNumber = big.NewInt(7); return nil }},
		{"another key", `^certificate: broken: it is not of this private key`, func(*x509.Certificate) *rsa.PrivateKey { return otherKey() }},
		{"another merchant", `^certificate: broken: it is of mchid 1900000001 → mend mchid`, func(k *x509.Certificate) *rsa.PrivateKey { k.Subject.CommonName = "1900000001"; return nil }},
		{"ended", `^certificate: broken: it ended on 20`, func(k *x509.Certificate) *rsa.PrivateKey { k.NotAfter = time.Now().Add(-time.Minute); return nil }},
		{"ends soon", `^certificate: warning: it ends in 9 days → apply for a new one`, func(k *x509.Certificate) *rsa.PrivateKey {
			k.NotAfter = time.Now().Add(9*24*time.Hour + time.Hour)
			return nil
		}},
	} {
		c.certificate(t, x.alter)
		if lines := c.examine(t); !slices.ContainsFunc(lines, regexp.MustCompile(x.want).MatchString) {
			t.Errorf("%s: no line is like %s:\n%s", x.name, x.want, strings.Join(lines, "\n"))
		}
	}
}

// The server has an API v3 key that WeChat Pay has not: the callback comes, and the doctor, who is another process, knows why
// it cannot be read.
func TestDoctorKnowsTheWrongAPIv3Key(t *testing.T) {
	t.Parallel()
	wrong := "api_v3_key = '" + strings.Repeat("x", 32) + "'"
	c := newClinic(t, wrong)
	want := regexp.MustCompile(`^callback: broken: it came, but cannot be decrypted.* → api_v3_key must be`)
	for range 2 { // what the first left in the books is no news to the second
		if lines := c.examine(t, wrong); !slices.ContainsFunc(lines, want.MatchString) {
			t.Errorf("it says:\n%s", strings.Join(lines, "\n"))
		}
	}
}

// alterBooks runs statements on a database behind the program's back.
func alterBooks(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Somebody has put an event aside.
func TestDoctorSeesAlteredHistory(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.order(t)
	file := filepath.Join(c.folder, "saoma.db")
	alterBooks(t, file, `DROP TRIGGER events_no_delete`, `DELETE FROM events WHERE number = 2`)
	want := regexp.MustCompile(`^history: broken: .*is of version 1, and the order of version 2 → somebody has altered`)
	if lines := c.examine(t); !slices.ContainsFunc(lines, want.MatchString) {
		t.Errorf("it says:\n%s", strings.Join(lines, "\n"))
	}
}

// The dashboard shows one merchant's settings, what is to be mended first.
func TestSettingsCheck(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.service.file = c.write(t, "dashboard.toml", c.good, "api_v3_key = 'short'")
	checks := c.service.settingsCheck(t.Context(), pay.MerchantID(c.ID))
	if len(checks) < 10 || checks[0].Name != "API v3 key" || checks[0].Result != pay.CheckBroken || checks[1].Result == pay.CheckBroken {
		t.Errorf("the check of the settings is %+v", checks)
	}
	for _, k := range c.service.settingsCheck(t.Context(), "other") {
		if k.Merchant != "" {
			t.Errorf("another merchant sees %+v", k)
		}
	}
}

// The command's exit code is that of an error.
func TestDoctorFailsTheCommand(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := run(ctx, []string{"doctor", "-config", c.write(t, "bad.toml", c.good, "api_v3_key = 'x'")}, &out)
	if err == nil || !strings.Contains(err.Error(), "1 of ") || !strings.Contains(out.String(), "\n  BROKEN   API v3 key       1 bytes\n") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
