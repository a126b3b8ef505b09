package wechatsim

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// keyBits is the size that WeChat Pay uses for merchant certificates and its own public key.
const keyBits = 2048

// A Merchant is what a merchant of WeChat Pay holds, plus WeChat Pay's own half of the public key pair, which a real
// merchant never sees. Make one with NewMerchant or OpenMerchant; Name may be changed freely before New.
type Merchant struct {
	Name          string // the payee that the customer reads
	MchID         string // 商户号, 10 digits
	AppID         string // wx and 16 hex digits, bound to MchID
	Serial        string // of the merchant API certificate (商户API证书), 40 hex digits
	APIv3Key      string // 32 characters of [0-9A-Za-z]; the AES key of callbacks
	PublicKeyID   string // PUB_KEY_ID_ and digits
	PrivateKeyPEM []byte // apiclient_key.pem, PKCS#8 "PRIVATE KEY": signs requests
	PublicKeyPEM  []byte // pub_key.pem, "PUBLIC KEY": verifies answers and callbacks
	AppSecret     string // of AppID, 32 hex digits: exchanges a code for a customer's openid

	// Others are further merchant API certificates that are valid beside Serial: see IssueCredential.
	Others []Credential

	// SubMerchants are those whose service provider (服务商) the merchant is: see RegisterSubMerchant.
	SubMerchants []SubMerchant

	// Certificates are WeChat Pay's platform certificates for this merchant; one in public-key mode has none.
	// IssueCertificate makes one. RootPEM is their issuer.
	Certificates []Certificate
	RootPEM      []byte

	wechatKeyPEM []byte // the private half of PublicKeyPEM
	rootKeyPEM   []byte // of RootPEM
}

// keys are the parsed keys that the simulator works with.
type keys struct {
	merchant *rsa.PublicKey            // of Merchant.Serial
	requests map[string]*rsa.PublicKey // check requests, by serial
	wechat   *rsa.PrivateKey           // signs answers and callbacks
	platform []platformKey             // of the certificates, which sign them in other modes; the oldest first
	apiV3    []byte                    // encrypts callbacks and certificates
}

// NewMerchant makes a merchant with fresh keys and plausible ids.
func NewMerchant() (*Merchant, error) { return NewMerchantOf(keyBits) }

// NewMerchantOf makes one whose RSA keys have the given number of bits. WeChat Pay's have 2048; signatures with small
// keys, which protect nothing, make long simulations fast. Below 1024 package rsa wants the setting rsa1024min=0.
func NewMerchantOf(bits int) (*Merchant, error) {
	private, _, err := newKeyPair(bits)
	if err != nil {
		return nil, fmt.Errorf("new merchant: %w", err)
	}
	wechatPrivate, wechatPublic, err := newKeyPair(bits)
	if err != nil {
		return nil, fmt.Errorf("new merchant: %w", err)
	}
	mchID := "16" + randomOf(digits, 8)
	return &Merchant{
		Name:          "街角咖啡",
		MchID:         mchID,
		AppID:         "wx" + randomOf("0123456789abcdef", 16),
		Serial:        randomOf("0123456789ABCDEF", 40),
		APIv3Key:      randomOf(alphanumeric, 32),
		PublicKeyID:   "PUB_KEY_ID_01" + mchID + randomOf(digits, 18),
		PrivateKeyPEM: private,
		PublicKeyPEM:  wechatPublic,
		wechatKeyPEM:  wechatPrivate,
		AppSecret:     newAppSecret(),
	}, nil
}

func newAppSecret() string { return randomOf("0123456789abcdef", 32) }

func newKeyPair(bits int) (private, public []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, nil, fmt.Errorf("make an RSA key: %w", err)
	}
	return encodeKeyPair(key)
}

func (m *Merchant) keys() (keys, error) {
	if len(m.wechatKeyPEM) == 0 {
		return keys{}, errors.New("merchant was not made by NewMerchant or OpenMerchant")
	}
	merchant, err := parsePrivateKey(m.PrivateKeyPEM)
	if err != nil {
		return keys{}, fmt.Errorf("merchant's private key: %w", err)
	}
	wechat, err := parsePrivateKey(m.wechatKeyPEM)
	if err != nil {
		return keys{}, fmt.Errorf("WeChat Pay's private key: %w", err)
	}
	if len(m.APIv3Key) != 32 {
		return keys{}, fmt.Errorf("APIv3 key has %d bytes, want 32", len(m.APIv3Key))
	}
	platform := make([]platformKey, 0, len(m.Certificates))
	for _, c := range m.Certificates {
		_, key, err := parseCertificate(c.PEM, c.keyPEM)
		if err != nil {
			return keys{}, fmt.Errorf("platform certificate %s: %w", c.Serial, err)
		}
		platform = append(platform, platformKey{signer{c.Serial, key}, c.PEM, c.From, c.Until})
	}
	slices.SortStableFunc(platform, func(a, b platformKey) int { return a.from.Compare(b.from) })
	requests := map[string]*rsa.PublicKey{m.Serial: &merchant.PublicKey}
	for _, c := range m.Others {
		key, err := parsePrivateKey(c.PrivateKeyPEM)
		if err != nil {
			return keys{}, fmt.Errorf("merchant's private key of %s: %w", c.Serial, err)
		}
		requests[c.Serial] = &key.PublicKey
	}
	return keys{merchant: &merchant.PublicKey, requests: requests, wechat: wechat, platform: platform, apiV3: []byte(m.APIv3Key)}, nil
}

// stateFile keeps a Merchant for OpenMerchant. It is the only file that is read back: one file, replaced whole, so a
// crash while writing leaves the old merchant or the new one and never a mixture of two.
const stateFile = "simulator.json"

// state is the content of stateFile.
type state struct {
	Comment         string `json:"comment"`
	Name            string `json:"name"`
	MchID           string `json:"mchid"`
	AppID           string `json:"appid"`
	Serial          string `json:"serial"`
	APIv3Key        string `json:"api_v3_key"`
	PublicKeyID     string `json:"public_key_id"`
	MerchantPrivate string `json:"merchant_private_key"`
	WechatPublic    string `json:"wechatpay_public_key"`
	WechatPrivate   string `json:"wechatpay_private_key"`
	AppSecret       string `json:"app_secret"`

	Others       []credentialState  `json:"other_credentials,omitempty"`
	SubMerchants []SubMerchant      `json:"sub_merchants,omitempty"`
	Certificates []certificateState `json:"certificates,omitempty"`
	Root         string             `json:"root,omitempty"`
	RootPrivate  string             `json:"root_private_key,omitempty"`
}

// certificateState is a platform certificate in it.
type certificateState struct {
	Certificate string `json:"certificate"`
	Private     string `json:"private_key"`
}

const stateComment = "The simulator's own memory, with WeChat Pay's private key: no merchant holds this file. " +
	"Delete it to get a new merchant."

// OpenMerchant loads the merchant kept in dir, or makes one and keeps it there, so that keys survive a restart.
// Save writes the files that a merchant's program reads.
func OpenMerchant(dir string) (*Merchant, error) {
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		m, err := NewMerchant()
		if err != nil {
			return nil, fmt.Errorf("open merchant: %w", err)
		}
		if err := m.saveState(dir); err != nil {
			return nil, fmt.Errorf("open merchant: %w", err)
		}
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open merchant: %w", err)
	}
	var k state
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, fmt.Errorf("open merchant: %s: %w", filepath.Join(dir, stateFile), err)
	}
	m := &Merchant{
		Name: k.Name, MchID: k.MchID, AppID: k.AppID, Serial: k.Serial, APIv3Key: k.APIv3Key,
		PublicKeyID: k.PublicKeyID, PrivateKeyPEM: []byte(k.MerchantPrivate),
		PublicKeyPEM: []byte(k.WechatPublic), wechatKeyPEM: []byte(k.WechatPrivate), AppSecret: k.AppSecret,
		SubMerchants: k.SubMerchants,
	}
	if m.AppSecret == "" { // kept by an older simulator
		m.AppSecret = newAppSecret()
	}
	for _, x := range k.Others {
		m.Others = append(m.Others, Credential{Serial: x.Serial, PrivateKeyPEM: []byte(x.Private)})
	}
	if err := m.loadCertificates(k); err != nil {
		return nil, fmt.Errorf("open merchant: %s: %w", filepath.Join(dir, stateFile), err)
	}
	if _, err := m.keys(); err != nil {
		return nil, fmt.Errorf("open merchant: %s: %w", filepath.Join(dir, stateFile), err)
	}
	return m, nil
}

func (m *Merchant) loadCertificates(k state) error {
	for _, x := range k.Certificates {
		c, err := readCertificate([]byte(x.Certificate), []byte(x.Private))
		if err != nil {
			return fmt.Errorf("platform certificate: %w", err)
		}
		m.Certificates = append(m.Certificates, c)
	}
	if k.Root != "" {
		m.RootPEM, m.rootKeyPEM = []byte(k.Root), []byte(k.RootPrivate)
	}
	return nil
}

// Save writes into dir what a merchant would hold: merchant.toml (a [[merchant]] block ready to be pasted, naming
// apiURL as the address of WeChat Pay), apiclient_key.pem and pub_key.pem, and what OpenMerchant needs. The directory
// is made with mode 0700, the files have 0600.
func (m *Merchant) Save(dir, apiURL string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("save merchant: %w", err)
	}
	if err := m.saveState(dir); err != nil {
		return fmt.Errorf("save merchant: %w", err)
	}
	files := []struct {
		name string
		text []byte
	}{
		{"apiclient_key.pem", m.PrivateKeyPEM},
		{"pub_key.pem", m.PublicKeyPEM},
		{"merchant.toml", m.config(dir, apiURL)},
	}
	for _, f := range files {
		if err := replaceFile(filepath.Join(dir, f.name), f.text); err != nil {
			return fmt.Errorf("save merchant: %w", err)
		}
	}
	return nil
}

func (m *Merchant) saveState(dir string) error {
	var certificates []certificateState
	for _, c := range m.Certificates {
		certificates = append(certificates, certificateState{string(c.PEM), string(c.keyPEM)})
	}
	var others []credentialState
	for _, c := range m.Others {
		others = append(others, credentialState{c.Serial, string(c.PrivateKeyPEM)})
	}
	text, err := json.MarshalIndent(state{
		Comment: stateComment, Name: m.Name, MchID: m.MchID, AppID: m.AppID, Serial: m.Serial,
		APIv3Key: m.APIv3Key, PublicKeyID: m.PublicKeyID, MerchantPrivate: string(m.PrivateKeyPEM),
		WechatPublic: string(m.PublicKeyPEM), WechatPrivate: string(m.wechatKeyPEM),
		AppSecret:    m.AppSecret,
		Others:       others,
		SubMerchants: m.SubMerchants,
		Certificates: certificates, Root: string(m.RootPEM), RootPrivate: string(m.rootKeyPEM),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", stateFile, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, stateFile), append(text, '\n'))
}

// replaceFile writes a file of mode 0600 that is either the old one or whole.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // CreateTemp gives mode 0600
	if err != nil {
		return err
	}
	_, writeErr := f.Write(text)
	if err := errors.Join(writeErr, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	// A crash right here leaves the old file and a stray temporary one.
	return os.Rename(f.Name(), path)
}
