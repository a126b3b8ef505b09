package dashboard

// chineseAdvice is what the doctor says, by its English; # stands for a number. What is somebody else's words stays.
var chineseAdvice = map[string]string{
	"configuration": "配置", "public address": "公网地址", "database": "数据库", "history": "订单历史", "private key": "商户私钥",
	"public key": "微信支付公钥", "API v3 key": "APIv3 密钥", "certificate": "商户证书", "origins": "网页来源", "webhook": "Webhook",
	"self-test": "自检", "callback": "回调", "clock": "时钟",

	"none is needed on this machine": "本机无需 TLS", "public_url is http": "public_url 使用 http",
	"opened, written to, no damage found": "可打开、可写入，未发现损坏", "no database is open": "数据库未打开",
	"the newest # events are as they were recorded": "最近 # 条记录与写入时一致", "no orders yet": "还没有订单",
	"no webhook_url that could be told":        "没有可通知的 webhook_url",
	"the shop's server took a signed test (#)": "商户服务器已接收签名测试（#）",
	"the shop's server gave no answer":         "商户服务器无响应",
	"mend what is above first":                 "请先修复上面的问题", "mend the configuration first": "请先修复配置",
	"nothing answers": "无响应", "no apiclient_cert.pem beside the private key; the self-test shows whether serial is right": "私钥旁没有 apiclient_cert.pem；自检会验证序列号是否正确",

	"mend it in the file": "请在配置文件中修改", "mend that line of the file": "请修改配置文件中的该行",
	"renew the certificate": "请更新证书", "get a certificate for the host of public_url": "请为 public_url 的域名申请证书",
	"renew it; find out why that did not happen by itself":                                                                           "请更新证书，并查明为何没有自动更新",
	"have the reverse proxy listen there with https, TLS #.# or newer; open its port":                                                "请让反向代理以 https（TLS #.# 或更高）监听并开放端口",
	"let a reverse proxy speak https and set public_url to it":                                                                       "请由反向代理提供 https 并将 public_url 指向它",
	"let the user who runs this program read the file":                                                                               "请让运行本程序的用户可读取该文件",
	"mend webhook_url, or let the shop's server be reached from here":                                                                "请修改 webhook_url，或让本机可访问商户服务器",
	"compare webhook_secret with the shop's, and see that its server answers #xx also to webhook.test":                               "请核对 webhook_secret，并确认商户服务器对 webhook.test 也返回 #xx",
	"somebody has altered the books; run saoma verify, and compare them with a backup":                                               "账本被改动过，请运行 saoma verify 并与备份比对",
	"run the server with this configuration; let the internet reach that address, without login, bot check or a block of WeChat Pay": "请以此配置运行服务器，并让互联网可访问该地址，不设登录、人机验证或对微信支付的拦截",
}
