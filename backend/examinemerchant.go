package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"saoma/backend/pay"
	"saoma/backend/server"
	"saoma/backend/webhook"
	"saoma/backend/wechat"
)

// An examination is of one merchant.
type examination struct {
	*doctor
	merchantConfig
	account wechat.Account
	checks  []pay.Check
}

// broken reports whether something that was looked at so far is.
func (x *examination) broken() bool {
	return slices.ContainsFunc(x.checks, func(c pay.Check) bool { return c.Result == pay.CheckBroken })
}

func (x *examination) add(c pay.Check) {
	c.Merchant = pay.MerchantID(x.ID)
	x.checks = append(x.checks, c)
}

// examineMerchant looks at all that one merchant needs, from the keys to the callback and the history.
func (d *doctor) examineMerchant(ctx context.Context, m merchantConfig) []pay.Check {
	x := &examination{doctor: d, merchantConfig: m}
	x.examineKeys()
	x.add(wechat.CheckClock(wechat.Clock(ctx, x.WeChat.APIURL)))
	x.selfTest(ctx)
	x.examineRest()
	x.examineWebhook(ctx)
	x.add(d.examineHistory(ctx, pay.MerchantID(m.ID)))
	return x.checks
}

// value follows env: and file:, and adds what is wrong with that.
func (x *examination) value(name, value string) (string, bool) {
	text, err := x.config.lookUp(value)
	if err == nil {
		return text, true
	}
	c := pay.Check{Name: name, Result: pay.CheckBroken, Found: printable(err.Error())}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Todo = "put the file in its place, or mend the path: relative ones start at the configuration's folder"
	case errors.Is(err, fs.ErrPermission):
		c.Todo = "let the user who runs this program read the file"
	default:
		c.Todo = "set it where the program is started, as in the systemd unit's EnvironmentFile"
	}
	x.add(c)
	return "", false
}

// examineKeys looks at what is of WeChat Pay, each for itself, and fills the account in.
func (x *examination) examineKeys() {
	w := x.WeChat
	if text, ok := x.value("private key", w.PrivateKey); ok {
		check, key := wechat.CheckPrivateKey(text)
		x.account.PrivateKey = key
		x.add(x.exposed(check))
	}
	if text, ok := x.value("public key", w.PublicKey); ok {
		check, key := wechat.CheckPublicKey(text, w.PublicKeyID, x.account.PrivateKey)
		x.account.PublicKey = key
		x.add(check)
	}
	if text, ok := x.value("API v3 key", w.APIv3Key); ok {
		x.account.APIv3Key = text
		x.add(wechat.CheckAPIv3Key(text))
	}
	x.account.AppID, x.account.MchID, x.account.SubMchID, x.account.SubAppID = w.AppID, w.MchID, w.SubMchID, w.SubAppID
	x.account.Serial, x.account.PublicKeyID = w.Serial, w.PublicKeyID
	for _, c := range x.account.CheckNumbers() {
		x.add(c)
	}
	x.examineCertificate()
}

// exposed warns of a private key that others on this machine can read.
func (x *examination) exposed(c pay.Check) pay.Check {
	path, ok := strings.CutPrefix(x.WeChat.PrivateKey, "file:")
	if !ok || c.Result != pay.CheckOK {
		return c
	}
	if info, err := os.Stat(x.config.at(path)); err == nil && info.Mode().Perm()&0o077 != 0 {
		c.Result, c.Todo = pay.CheckWarning, "chmod 600 "+path
		c.Found += fmt.Sprintf(", and others may read it: its mode is %04o", info.Mode().Perm())
	}
	return c
}

// examineCertificate looks at apiclient_cert.pem if it is where WeChat Pay's download put it, beside the private key.
func (x *examination) examineCertificate() {
	path, ok := strings.CutPrefix(x.WeChat.PrivateKey, "file:")
	if !ok {
		return
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(x.config.at(path)), "apiclient_cert.pem"))
	if errors.Is(err, fs.ErrNotExist) {
		x.add(pay.Check{Name: "certificate", Result: pay.CheckSkipped, Found: "no apiclient_cert.pem beside the private key; the self-test shows whether serial is right"})
		return
	}
	if err != nil {
		x.add(pay.Check{Name: "certificate", Result: pay.CheckWarning, Found: printable(err.Error()), Todo: "let this program read it, or remove it"})
		return
	}
	x.add(wechat.CheckCertificate(text, x.account.PrivateKey, x.WeChat.Serial, x.WeChat.MchID, time.Now()))
}

// examineRest looks at what a start would refuse beside that.
func (x *examination) examineRest() {
	ok := true
	for _, v := range []struct {
		name  string
		value *string
	}{
		{"secret_key", &x.SecretKey}, {"app_secret", &x.WeChat.AppSecret},
		{"webhook_url", &x.WebhookURL}, {"webhook_secret", &x.WebhookSecret}, {"webhook_secret_previous", &x.WebhookPrevious},
	} {
		text, found := x.value(v.name, *v.value)
		*v.value = text
		ok = ok && found
	}
	if !ok {
		x.WebhookURL = "" // half of it could not be read
		return
	}
	if err := x.check(); err != nil {
		x.add(pay.Check{Name: "configuration", Result: pay.CheckBroken, Found: printable(err.Error()), Todo: "mend it in the file"})
	}
	if len(x.Origins) == 0 {
		x.add(pay.Check{Name: "origins", Result: pay.CheckWarning, Found: "none: no shop's page may show the checkout",
			Todo: `list the shop's, origins = ["https://shop.example"]`})
	}
}

// examineWebhook sends the merchant's server a signed test.
func (x *examination) examineWebhook(ctx context.Context) {
	c := pay.Check{Name: "webhook", Result: pay.CheckSkipped, Found: "no webhook_url that could be told"}
	endpoint, configured := x.endpoint()
	if !configured || endpoint.Check() != nil {
		x.add(c)
		return
	}
	id := pay.MerchantID(x.ID)
	sender, err := webhook.New(map[pay.MerchantID]webhook.Endpoint{id: endpoint}, webhook.Options{})
	if err != nil {
		x.add(pay.Check{Name: c.Name, Result: pay.CheckBroken, Found: printable(err.Error())})
		return
	}
	defer sender.Close()
	now := time.Now()
	body := (&server.Server{}).RenderWebhook(pay.WebhookTest, now, nil)
	answer := sender.PostWebhook(ctx, id, pay.DeliveryID("doctor_"+rand.Text()), now, body)
	switch {
	case answer.Status/100 == 2:
		c.Result, c.Found = pay.CheckOK, fmt.Sprintf("the shop's server took a signed test (%d)", answer.Status)
	case answer.Status == 0:
		c.Result, c.Found = pay.CheckBroken, "the shop's server gave no answer: "+printable(answer.Trouble)
		c.Todo = "mend webhook_url, or let the shop's server be reached from here"
	default:
		c.Result, c.Found = pay.CheckBroken, fmt.Sprintf("the shop's server answered %d: %s", answer.Status, printable(answer.Excerpt))
		c.Todo = "compare webhook_secret with the shop's, and see that its server answers 2xx also to " + string(pay.WebhookTest)
	}
	x.add(c)
}

// selfTest has WeChat Pay say something, and waits to hear it once more at our public address.
func (x *examination) selfTest(ctx context.Context) {
	skip := func(names ...string) {
		for _, name := range names {
			x.add(pay.Check{Name: name, Result: pay.CheckSkipped, Found: "mend what is above first"})
		}
	}
	if x.broken() {
		skip("self-test", "callback")
		return
	}
	m := x.merchantConfig
	m.WeChat.PrivateKey, _ = x.config.lookUp(m.WeChat.PrivateKey)
	m.WeChat.PublicKey, _ = x.config.lookUp(m.WeChat.PublicKey)
	m.WeChat.APIv3Key = x.account.APIv3Key
	id := pay.MerchantID(m.ID)
	account, err := m.account(x.config.PublicURL)
	if err != nil {
		x.add(pay.Check{Name: "configuration", Result: pay.CheckBroken, Found: printable(err.Error()), Todo: "mend it in the file"})
		skip("self-test", "callback")
		return
	}
	gateway, err := wechat.New(map[pay.MerchantID]wechat.Account{id: account}, wechat.Options{Retries: wechatRetries})
	if err != nil {
		x.add(pay.Check{Name: "self-test", Result: pay.CheckBroken, Found: printable(err.Error())})
		skip("callback")
		return
	}
	message, address := "saoma doctor "+rand.Text(), x.config.PublicURL+"/notify/"+m.ID+"/echo"
	before := x.echo(ctx, id, "")
	x.add(wechat.CheckEcho(gateway.Echo(ctx, id, message, address)))
	if x.broken() {
		skip("callback")
		return
	}
	if account.SubMchID != "" { // the self-test is of the provider's keys alone
		_, err := gateway.Query(ctx, id, "SAOMA"+rand.Text())
		x.add(wechat.CheckRelation(account.SubMchID, err))
	}
	x.add(x.hear(ctx, id, before, message, address))
}

// echo returns what the books tell of a message, or nothing if they do not.
func (x *examination) echo(ctx context.Context, m pay.MerchantID, message string) pay.Echo {
	if x.books == nil {
		return pay.Echo{}
	}
	e, err := (&pay.Cashier{Store: x.books}).Echo(ctx, m, message)
	if err != nil {
		return pay.Echo{} // the database's check tells of it
	}
	return e
}

// hear waits until the server has booked the callback with the message.
func (x *examination) hear(ctx context.Context, m pay.MerchantID, before pay.Echo, message, address string) pay.Check {
	c := pay.Check{Name: "callback", Result: pay.CheckOK, Found: "received at " + address}
	if x.books == nil {
		c.Result, c.Found, c.Todo = pay.CheckSkipped, "the books, in which the server notes it, are not open", "start the server first"
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, x.patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if x.echo(ctx, m, message).Message == message {
			return c
		}
		if e := x.echo(ctx, m, ""); e.Trouble != "" && e != before {
			c.Result, c.Found = pay.CheckBroken, "it came, but "+printable(e.Trouble)
			c.Todo = "api_v3_key must be the APIv3 key set in 商户平台 → API安全; restart the server after the change"
			return c
		}
		select {
		case <-ctx.Done():
			c.Result, c.Found = pay.CheckBroken, fmt.Sprintf("WeChat Pay was asked to call %s and did not come within %v", address, x.patience)
			c.Todo = "run the server with this configuration; let the internet reach that address, without login, bot check or a block of WeChat Pay"
			return c
		case <-tick.C:
		}
	}
}
