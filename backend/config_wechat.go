package main

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"saoma/backend/pay"
	"saoma/backend/wechat"
)

type wechatConfig struct {
	APIURL      string `toml:"api_url"`
	AppID       string `toml:"appid"`
	MchID       string `toml:"mchid"`
	SubMchID    string `toml:"sub_mchid"` // set: mchid, appid and all keys are of its service provider (服务商)
	SubAppID    string `toml:"sub_appid"`
	Serial      string `toml:"serial"`
	PrivateKey  string `toml:"private_key"`
	APIv3Key    string `toml:"api_v3_key"`
	PublicKeyID string `toml:"public_key_id"`
	PublicKey   string `toml:"public_key"`

	// PlatformCertificates takes them beside the public key, while WeChat Pay switches over.
	PlatformCertificates bool `toml:"platform_certificates"`

	Channels  []string `toml:"channels"` // native, jsapi, h5
	AppSecret string   `toml:"app_secret"`
	OAuthURL  string   `toml:"oauth_url"`
	OpenURL   string   `toml:"open_url"`
}

// checkChannels holds what the channels need beside what every merchant has.
func (w wechatConfig) checkChannels() error {
	for _, c := range w.Channels {
		if c != string(pay.Native) && c != string(pay.JSAPI) && c != string(pay.H5) {
			return fmt.Errorf("channels: %.20q must be one of native, jsapi and h5", c)
		}
	}
	switch {
	case !slices.Contains(w.Channels, string(pay.Native)):
		return errors.New("channels must hold native: every order begins with a code to scan")
	case slices.Contains(w.Channels, string(pay.JSAPI)) && w.AppSecret == "":
		return errors.New("app_secret is missing: the channel jsapi needs the AppSecret of the appid (with sub_appid, of that), to learn a customer's openid")
	}
	return nil
}

func channelsOf(names []string) (list []pay.Channel) {
	for _, name := range names {
		list = append(list, pay.Channel(name))
	}
	return list
}

func (m merchantConfig) account(publicURL string) (wechat.Account, error) {
	w := m.WeChat
	private, err := wechat.ParsePrivateKey([]byte(w.PrivateKey))
	if err != nil {
		return wechat.Account{}, fmt.Errorf("private_key: %w", err)
	}
	// Without it and its id the account works with platform certificates.
	var public *rsa.PublicKey
	if w.PublicKey != "" {
		if public, err = wechat.ParsePublicKey([]byte(w.PublicKey)); err != nil {
			return wechat.Account{}, fmt.Errorf("public_key: %w", err)
		}
	}
	a := wechat.Account{
		APIURL: w.APIURL, AppID: w.AppID, MchID: w.MchID, SubMchID: w.SubMchID, SubAppID: w.SubAppID, Serial: w.Serial, PrivateKey: private,
		APIv3Key: w.APIv3Key, PublicKeyID: w.PublicKeyID, PublicKey: public, PlatformCertificates: w.PlatformCertificates,
		AppSecret: w.AppSecret, OAuthURL: w.OAuthURL, OpenURL: w.OpenURL,
		NotifyURL:       publicURL + "/notify/" + m.ID + "/payment",
		RefundNotifyURL: publicURL + "/notify/" + m.ID + "/refund",
	}
	if w.APIURL == wechatAPI {
		a.BackupURL = wechatBackup
	}
	return a, a.Check()
}
