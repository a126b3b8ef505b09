package wechatsim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
)

// config is the merchant as a block of the program's TOML configuration; of a service provider there is a block for each
// of its merchants.
func (m *Merchant) config(dir, apiURL string) []byte {
	var b strings.Builder
	b.WriteString("# A merchant of the WeChat Pay simulator: paste this block into your configuration.\n")
	b.WriteString("# Rewritten at every start. " + stateFile + " beside it is the simulator's own memory and holds\n")
	b.WriteString("# WeChat Pay's private key, which a real merchant never has: do not configure it anywhere.\n")
	if !m.isProvider() {
		m.writeBlock(&b, dir, apiURL, "cafe", SubMerchant{Name: m.Name, AppSecret: m.AppSecret})
	}
	for i, sub := range m.SubMerchants {
		m.writeBlock(&b, dir, apiURL, fmt.Sprintf("shop%d", i+1), sub)
	}
	return []byte(b.String())
}

func (m *Merchant) writeBlock(b *strings.Builder, dir, apiURL, id string, of SubMerchant) {
	// The merchant's secret key is not WeChat Pay's business; this one is made from the APIv3 key so that it stays
	// the same at every start without being kept.
	secret := sha256.Sum256([]byte("secret_key of the simulated merchant\n" + of.MchID + m.APIv3Key))
	line := func(key, value string) { fmt.Fprintf(b, "%-15s = %s\n", key, tomlString(value)) }
	b.WriteString("\n[[merchant]]\n")
	line("id", id)
	line("name", of.Name)
	line("publishable_key", "pk_"+id)
	line("secret_key", "sk_"+hex.EncodeToString(secret[:20]))
	b.WriteString("origins         = []  # the origins of the shop's pages, such as \"https://shop.example\"\n")
	b.WriteString("\n[merchant.wechat]\n")
	line("api_url", apiURL)
	line("appid", m.AppID)
	line("mchid", m.MchID)
	if of.MchID != "" {
		line("sub_mchid", of.MchID)
		line("sub_appid", of.AppID)
	}
	line("serial", m.Serial)
	line("private_key", "file:"+filepath.Join(dir, "apiclient_key.pem"))
	line("api_v3_key", m.APIv3Key)
	line("public_key_id", m.PublicKeyID)
	line("public_key", "file:"+filepath.Join(dir, "pub_key.pem"))
	b.WriteString("channels        = [\"native\", \"jsapi\", \"h5\"]\n")
	line("app_secret", of.AppSecret)
	line("oauth_url", apiURL) // in place of https://api.weixin.qq.com
	line("open_url", apiURL)  // in place of https://open.weixin.qq.com
}

// tomlString quotes a text. The escapes of a JSON string are those of a TOML basic string.
func tomlString(text string) string { return string(encode(text)) }
