package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"saoma/backend/wechatsim"
)

// A changing is the program as a process of its own, whose configuration is rewritten while shops sell.
type changing struct {
	*siege
	other  wechatsim.Credential // the merchant's second API certificate
	extras []string             // merchants beside cafe and tea
}

func newChanging(t *testing.T) *changing {
	t.Helper()
	folder := dataFolder(t)
	m, err := wechatsim.OpenMerchant(filepath.Join(folder, "sim"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.IssueCredential()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(filepath.Join(folder, "sim"), ""); err != nil {
		t.Fatal(err)
	}
	sim := simulate(t, folder, wechatsim.Options{Speed: 1000})
	c := &changing{other: other, siege: &siege{
		t: t, program: buildProgram(t), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}}
	address := steadyAddress(t)
	c.demo = &demo{sim: sim, url: "http://" + address, data: folder, secretKey: keyOf("cafe", 0)}
	c.write(0)
	c.start()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("the program said:\n%s", c.log.String())
		}
	})
	eventually(t, "the program answers", func() bool { return healthy(t, c.url) })
	return c
}

func keyOf(merchant string, generation int) string {
	return fmt.Sprintf("sk_%s_generation_%d", merchant, generation)
}

// write rewrites the configuration. Of cafe the API certificate changes from generation to generation, of tea the secret
// key; the others are as they are.
func (c *changing) write(generation int, edits ...string) {
	c.t.Helper()
	m := c.sim.Merchant()
	serial, key := m.Serial, m.PrivateKeyPEM
	if generation%2 == 1 {
		serial, key = c.other.Serial, c.other.PrivateKeyPEM
	}
	address := strings.TrimPrefix(c.url, "http://")
	text := fmt.Sprintf("listen = %q\npublic_url = %q\nmetrics_token = %q\n", address, c.url, keyOf("metrics", generation))
	add := func(id, secret, serial string, key []byte) {
		text += fmt.Sprintf(`
[[merchant]]
id = %[1]q
name = %[1]q
publishable_key = "pk_%[1]s"
secret_key = %[2]q
[merchant.wechat]
api_url = %[3]q
appid = %[4]q
mchid = %[5]q
serial = %[6]q
private_key = '''%[7]s'''
api_v3_key = %[8]q
public_key_id = %[9]q
public_key = '''%[10]s'''
`, id, secret, c.sim.url, m.AppID, m.MchID, serial, key, m.APIv3Key, m.PublicKeyID, m.PublicKeyPEM)
	}
	add("cafe", keyOf("cafe", 0), serial, key)
	add("tea", keyOf("tea", generation), m.Serial, m.PrivateKeyPEM)
	for _, id := range c.extras {
		add(id, keyOf(id, 0), m.Serial, m.PrivateKeyPEM)
	}
	text = strings.NewReplacer(edits...).Replace(text)
	file := filepath.Join(c.data, "saoma.toml")
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		c.t.Fatal(err)
	}
}

// hangUp sends SIGHUP and waits until the program has said what it has made of it.
func (c *changing) hangUp(says ...string) {
	c.t.Helper()
	before := len(c.log.String())
	if err := c.process.Process.Signal(syscall.SIGHUP); err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, "the program says "+strings.Join(says, ", "), func() bool {
		said := c.log.String()[before:]
		for _, s := range says {
			if !strings.Contains(said, s) {
				return false
			}
		}
		return true
	})
}

func bearer(key string) string { return "Authorization: Bearer " + key }

// sells makes an order with the key, has it paid and waits until the program knows by the callback.
func (c *changing) sells(key, reference string) (paid bool) {
	body := fmt.Sprintf(`{"amount":1280,"description":"tea","reference":%q}`, reference)
	a := c.call(c.t, "POST", "/v1/orders", body, bearer(key))
	if a.status != http.StatusCreated {
		c.t.Errorf("%s: %d %s", reference, a.status, a.body)
		return false
	}
	var o order
	a.json(c.t, &o)
	if _, err := c.sim.Pay(o.CodeURL, ""); err != nil {
		c.t.Errorf("%s: %v", reference, err)
		return false
	}
	eventually(c.t, reference+" is paid", func() bool {
		a = c.call(c.t, "GET", "/v1/orders/"+o.ID, "", bearer(key))
		if a.status != http.StatusOK {
			c.t.Errorf("%s: %d %s", reference, a.status, a.body)
		}
		return a.status != http.StatusOK || strings.Contains(string(a.body), `"status":"paid"`)
	})
	return true
}

// No request is lost while keys change, certificates are rolled over and merchants come.
func TestKeysChangeWhileShopsSell(t *testing.T) {
	t.Parallel()
	c := newChanging(t)
	ctx, stop := context.WithCancel(t.Context())
	var shops sync.WaitGroup
	defer func() { stop(); shops.Wait() }()
	var sold sync.Map
	count := func() (n int) {
		sold.Range(func(any, any) bool { n++; return true })
		return n
	}
	for shop := range 4 {
		shops.Go(func() {
			for n := 0; ctx.Err() == nil && !t.Failed(); n++ {
				reference := fmt.Sprintf("shop%d-%d", shop, n)
				if c.sells(keyOf("cafe", 0), reference) {
					sold.Store(reference, true)
				}
			}
		})
	}
	for generation := 1; generation <= 6; generation++ {
		before := count()
		eventually(t, "shops sell", func() bool { return t.Failed() || count() >= before+5 })
		id := fmt.Sprintf("new%d", generation)
		c.extras = append(c.extras, id)
		c.write(generation)
		c.hangUp("the configuration was read again", fmt.Sprintf(`"merchants":%d`, 2+generation))
		for key, want := range map[string]int{
			keyOf("tea", generation): http.StatusOK, keyOf("tea", generation-1): http.StatusUnauthorized,
		} {
			if a := c.call(t, "GET", "/v1/orders", "", bearer(key)); a.status != want {
				t.Errorf("%s: %d %s; want %d", key, a.status, a.body, want)
			}
		}
		if a := c.call(t, "GET", "/metrics", "", bearer(keyOf("metrics", generation))); a.status != http.StatusOK {
			t.Errorf("the new token of the metrics: %d %s", a.status, a.body)
		}
		c.sells(keyOf("tea", generation), "tea")
		c.sells(keyOf(id, 0), id)
	}
	stop()
	shops.Wait()
	for _, trade := range c.sim.Trades() {
		for _, d := range trade.Callbacks {
			if d.Status != http.StatusNoContent {
				t.Errorf("a callback of %s was answered %d %s", trade.OutTradeNo, d.Status, d.Err)
			}
		}
	}
	t.Logf("%d orders were sold meanwhile", count())
}

// What is wrong, or cannot be changed in a running program, is said in one line, and all stays as it was.
func TestWrongConfigurationIsNotTaken(t *testing.T) {
	t.Parallel()
	c := newChanging(t)
	m := c.sim.Merchant()
	for name, x := range map[string]struct {
		edits []string
		says  []string
	}{
		"not TOML":            {[]string{"[[merchant]]", "[[merchant"}, []string{"saoma.toml:5"}},
		"short secret key":    {[]string{keyOf("tea", 9), "short"}, []string{"secret_key", "tea"}},
		"another private key": {[]string{"BEGIN PRIVATE KEY", "BEGIN PUBLIC KEY"}, []string{"private_key"}},
		"another address":     {[]string{"listen = \"127.0.0.1:", "listen = \"127.0.0.1:1"}, []string{"listen", "restart"}},
		"another public url":  {[]string{"public_url = \"http", "public_url = \"https"}, []string{"public_url", "restart"}},
		"another database":    {[]string{"listen", "database = \"sqlite:other.db\"\nlisten"}, []string{"database", "restart"}},
		"another mchid":       {[]string{m.MchID + "\"\nserial", "1900000009\"\nserial"}, []string{"mchid", "restart", "1900000009"}},
		"another appid":       {[]string{m.AppID, "wx0"}, []string{"appid", "restart"}},
		"a provider":          {[]string{"serial =", "sub_mchid = \"1900000010\"\nserial ="}, []string{"sub_mchid", "restart"}},
	} {
		c.write(9, x.edits...)
		before := len(c.log.String())
		c.hangUp(append(x.says, "is not taken")...)
		if said := strings.TrimSpace(c.log.String()[before:]); strings.Count(said, "\n") != 0 {
			t.Errorf("%s: the program said\n%s\nwant one line", name, said)
		}
		if a := c.call(t, "GET", "/v1/orders", "", bearer(keyOf("tea", 0))); a.status != http.StatusOK {
			t.Errorf("%s: the old key opens no more: %d %s", name, a.status, a.body)
		}
		if a := c.call(t, "GET", "/v1/orders", "", bearer(keyOf("tea", 9))); a.status != http.StatusUnauthorized {
			t.Errorf("%s: the new key opens: %d", name, a.status)
		}
	}
	c.sells(keyOf("tea", 0), "in the end")
}

// A merchant that leaves the configuration leaves its orders behind: nothing is taken for them, nothing forgotten, and
// the operator is told. When it is back they go on.
func TestMerchantLeavesAndComesBack(t *testing.T) {
	t.Parallel()
	c := newChanging(t)
	c.extras = []string{"kiosk"}
	c.write(0)
	c.hangUp("the configuration was read again", `"merchants":3`)
	a := c.call(t, "POST", "/v1/orders", `{"amount":1280,"description":"tea"}`, bearer(keyOf("kiosk", 0)))
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var o order
	a.json(t, &o)
	c.extras = nil
	c.write(0)
	c.hangUp("the configuration was read again", "stranded", `"merchant":"kiosk"`, `"under_way":1`)
	if a := c.call(t, "GET", "/v1/orders/"+o.ID, "", bearer(keyOf("kiosk", 0))); a.status != http.StatusUnauthorized {
		t.Errorf("its key still opens: %d %s", a.status, a.body)
	}
	c.pays(t, o)
	eventually(t, "its callback is refused", func() bool {
		list := c.statuses()
		return len(list) > 0 && list[0] == http.StatusNotFound
	})
	// Its customers are told to come again, and see no code that would take money a second time.
	for path, method := range map[string]string{"": "GET", "/renew": "POST", "/cancel": "POST", "/check": "POST"} {
		a := c.call(t, method, "/v1/checkouts/"+o.Token+path, map[string]string{"POST": "{}"}[method])
		if a.status != http.StatusServiceUnavailable || strings.Contains(string(a.body), "weixin://") {
			t.Errorf("%s of an order of nobody: %d %s", path, a.status, a.body)
		}
	}
	c.extras = []string{"kiosk"}
	c.write(0)
	c.hangUp("the configuration was read again")
	eventually(t, "the order is paid", func() bool {
		a := c.call(t, "GET", "/v1/orders/"+o.ID, "", bearer(keyOf("kiosk", 0)))
		return a.status == http.StatusOK && strings.Contains(string(a.body), `"status":"paid"`)
	})
}
