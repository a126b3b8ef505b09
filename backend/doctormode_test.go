package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"saoma/backend/store"
	"saoma/backend/store/postgrestest"
	"saoma/backend/wechatsim"
)

// wantLines wants each regular expression to be met by one line of what the doctor finds.
func (c *clinic) wantLines(t *testing.T, alter []string, want ...string) {
	t.Helper()
	lines := c.examine(t, alter...)
	for _, w := range want {
		if !slices.ContainsFunc(lines, regexp.MustCompile(w).MatchString) {
			t.Errorf("no line is like %s:\n%s", w, strings.Join(lines, "\n"))
		}
	}
}

// wantHealth wants nothing to be broken and these to have been looked at.
func (c *clinic) wantHealth(t *testing.T, names ...string) {
	t.Helper()
	lines := c.examine(t)
	for _, name := range names {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+": ok: ") }) {
			t.Errorf("%s is not ok:\n%s", name, strings.Join(lines, "\n"))
		}
	}
	for _, l := range lines {
		if strings.Contains(l, ": broken: ") || strings.Contains(l, ": warning: ") {
			t.Error(l)
		}
	}
}

// simFolder is a data folder whose merchant at WeChat Pay was altered.
func simFolder(t *testing.T, alter func(*wechatsim.Merchant) error) string {
	t.Helper()
	folder := dataFolder(t)
	sim := filepath.Join(folder, "sim")
	m, err := wechatsim.OpenMerchant(sim)
	if err != nil {
		t.Fatal(err)
	}
	if err := alter(m); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(sim, ""); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestDoctorOfAServiceProvidersMerchant(t *testing.T) {
	t.Parallel()
	folder := simFolder(t, func(m *wechatsim.Merchant) error { m.RegisterSubMerchant("街角咖啡"); return nil })
	c := openClinic(t, folder, wechatsim.Options{})
	c.wantHealth(t, "numbers", "self-test", "sub_mchid", "callback", "private key", "public key", "database")
	sub, provider := c.WeChat.SubMchID, c.WeChat.MchID
	c.wantLines(t, nil, `^numbers: ok: sub_mchid `+sub+` of the service provider with mchid `+provider)
	for name, x := range map[string]struct {
		alter, want string
	}{
		"another provider's merchant": {"sub_mchid = '1900000009'", `^sub_mchid: broken: .*受理关系不存在.* → sub_mchid must be a merchant \(特约商户\)`},
		"the provider's own number":   {"sub_mchid = '" + provider + "'", `^(sub_mchid|configuration): broken: `},
		"not a number":                {"sub_mchid = 'cafe'", `^sub_mchid: broken: it has another form → sub_mchid must be`},
		"the merchant's own mchid":    {"mchid = '" + sub + "'", `^configuration: broken: sub_mchid is the mchid`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.wantLines(t, []string{x.alter}, x.want)
		})
	}
}

func TestDoctorOfAMerchantWithPlatformCertificates(t *testing.T) {
	t.Parallel()
	folder := simFolder(t, func(m *wechatsim.Merchant) error { return m.IssueCertificate(time.Now().Add(-time.Hour)) })
	none := []string{"public_key = ''", "public_key_id = ''"}
	c := openClinic(t, folder, wechatsim.Options{Certificates: wechatsim.CertificatesOnly}, none...)
	c.write(t, "good.toml", c.good, none...)
	text, err := os.ReadFile(filepath.Join(c.folder, "good.toml"))
	if err != nil {
		t.Fatal(err)
	}
	c.good = string(text)
	c.wantHealth(t, "public key", "self-test", "callback", "API v3 key")
	c.wantLines(t, nil, `^public key: ok: none: WeChat Pay signs with platform certificates`)
	for name, x := range map[string]struct {
		alter []string
		want  string
	}{
		"a public key that WeChat Pay does not have yet": {[]string{"public_key = 'file:sim/pub_key.pem'", "public_key_id = 'PUB_KEY_ID_0123'"},
			`^self-test: broken: .* → public_key_id must be`},
		"another API v3 key": {[]string{"api_v3_key = '" + strings.Repeat("x", 32) + "'"}, `^self-test: broken: .*decrypt.* → api_v3_key must be the APIv3 key`},
		"another serial":     {[]string{"serial = '" + strings.Repeat("A", 40) + "'"}, `^self-test: broken: .*SIGN_ERROR.* → private_key and serial must be of one`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.wantLines(t, x.alter, x.want)
		})
	}
	t.Run("public-key mode", func(t *testing.T) {
		t.Parallel()
		newClinic(t).wantLines(t, none, `^self-test: broken: .*in public-key mode.* → set public_key_id and public_key`)
	})
	t.Run("switching", func(t *testing.T) {
		t.Parallel()
		folder := simFolder(t, func(m *wechatsim.Merchant) error { return m.IssueCertificate(time.Now().Add(-time.Hour)) })
		m, err := wechatsim.OpenMerchant(filepath.Join(folder, "sim"))
		if err != nil {
			t.Fatal(err)
		}
		id := m.PublicKeyID
		c := openClinic(t, folder, wechatsim.Options{Certificates: wechatsim.Switching}, "public_key_id = '"+id+"'\nplatform_certificates = true")
		c.wantHealth(t, "public key", "self-test", "callback")
	})
}

func TestDoctorWithPostgreSQL(t *testing.T) {
	t.Parallel()
	cluster, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			t.Error(err)
		}
	})
	address := cluster.URL("postgres")
	c := newClinic(t, "database = '"+address+"'")
	c.good = "database = '" + address + "'\n" + c.good
	c.order(t)
	c.wantHealth(t, "database", "callback", "history")
	c.keep(t, "database.txt", []byte(address+"\n"), 0o600)
	c.wantLines(t, []string{"database = 'file:database.txt'"}, `^database: ok: `)
	readOnly, err := cluster.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	books, err := store.Open(t.Context(), readOnly)
	if err != nil {
		t.Fatal(err)
	}
	if err := books.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", readOnly)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `CREATE ROLE guest LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest;
		CREATE ROLE frozen LOGIN SUPERUSER; ALTER ROLE frozen SET default_transaction_read_only = on`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct{ address, want string }{
		"not reachable":    {"postgres://saoma@" + freeAddress(t) + "/saoma?sslmode=disable", `^database: broken: .*refused.* → let PostgreSQL run`},
		"no such user":     {strings.Replace(address, "user=saoma", "user=nobody", 1), `^database: broken: .*nobody.* → let PostgreSQL run and take this user`},
		"no such database": {cluster.URL("nowhere"), `^database: broken: .*nowhere.* does not exist.* → `},
		"may not write":    {strings.Replace(readOnly, "user=saoma", "user=guest", 1), `^database: broken: .*permission denied.* → .*the user needs the right to make tables`},
		"read only":        {strings.Replace(readOnly, "user=saoma", "user=frozen", 1), `^database: broken: .*read-only.* → `},
		"no PostgreSQL":    {strings.Replace(c.sim.url, "http", "postgres", 1), `^database: broken: `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.wantLines(t, []string{"database = '" + x.address + "'"}, x.want, `^history: skipped`, `^self-test: ok`)
		})
	}
}

func TestDoctorWithASQLiteThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.wantLines(t, []string{"database = 'sqlite:/proc/saoma/saoma.db'"}, `^database: broken: .* is not there and cannot be made.* → let the user`)
	file := filepath.Join(c.folder, "locked.db")
	books, err := store.OpenSQLite(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := books.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	c.wantLines(t, []string{"database = 'sqlite:locked.db'"}, `^database: broken: .*locked.* → `)
}
