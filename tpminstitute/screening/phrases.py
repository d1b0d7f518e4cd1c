"""The phrases by which advertisements are told, by kind, and the words of our own field; each of one to four words.

They are compared folded (`folding.py`), so case and accents don't matter. What honest people write as well stays out,
or in a kind whose first phrase is cheap (`points.py`).
"""

from collections.abc import Mapping

from tpminstitute.screening.folding import fold, plain

_KINDS = {
    "gambling": """
        casino; casinos; online casino; jackpot; jackpots; free spins; freespins; bonus spins; no deposit bonus;
        slot machine; slot game; slot games; slots online; situs slot; slot gacor; slot online; judi online;
        judi bola; poker online; sports betting; betting site; betting tips; bookmaker; sportsbook; welcome bonus;
        deposit bonus; win real money; real money; roulette; blackjack; 1xbet; mostbet; 1win; pin up casino;
        gambling; казино; игровые автоматы; игровых автоматов; слоты; букмекер; ставки на спорт;
        бездепозитный бонус; фриспины; онлайн казино; spielautomaten; gratis freispiele; casino en ligne;
        paris sportifs; tours gratuits; apuestas deportivas; tragamonedas; giros gratis; apostas esportivas;
        caca niqueis; bahis; canli bahis; bahis siteleri; casino siteleri; deneme bonusu; kumar; kasyno;
        kasyno online; darmowe spiny; scommesse; giri gratis; togel; toto macau; bandar togel; tai xiu; nha cai
        """,
    "pharma": """
        viagra; cialis; tadalafil; sildenafil; levitra; tramadol; xanax; modafinil; phentermine; ozempic;
        semaglutide; without prescription; no prescription; without a prescription; online pharmacy;
        canadian pharmacy; cheap pills; diet pills; weight loss pills; keto gummies; cbd gummies; cbd oil;
        penis enlargement; male enhancement; erectile dysfunction; testosterone booster; kamagra; ohne rezept;
        sans ordonnance; sin receta; sem receita; senza ricetta; без рецепта; виагра; сиалис; похудение;
        lose weight fast; belly fat; ivermectin
        """,
    "adult": """
        porn; porno; xxx; sex dating; adult dating; escort; escorts; escort service; call girls; hot girls;
        sexy girls; nude photos; nudes; onlyfans; webcam girls; cam girls; hookup; hookups; casual sex; sex chat;
        sexy photos; lonely women; single women near; meet girls; проститутки; эскорт; порно; интим услуги;
        девушки по вызову; секс знакомства; секс; rencontre coquine; plan cul; putas; sexo gratis; bu xxx;
        hot singles; beautiful girls
        """,
    "money": """
        passive income; earn money; make money online; make money fast; earn from home; work from home income;
        earn up to; per day from home; financial freedom; crypto investment; bitcoin investment; invest in bitcoin;
        crypto trading; forex trading; forex signals; trading bot; binary options; guaranteed profit;
        guaranteed returns; guaranteed profits; daily profit; daily returns; double your; double your bitcoin;
        airdrop; presale; token presale; memecoin; shitcoin; crypto giveaway; free bitcoin; mining pool;
        cloud mining; investment opportunity; investment platform; roi daily; high returns; recover lost funds;
        recover your funds; recovery expert; funds recovery; crypto recovery; bitcoin recovery; recovery agent;
        hire a hacker; usdt; заработок; заработок в интернете; пассивный доход; инвестиции в криптовалюту;
        криптовалюта; быстрые деньги; доход без вложений; без вложений; geld verdienen; passives einkommen;
        schnell reich; krypto investment; gagner de argent; gagner de l argent; revenus passifs; ganar dinero;
        dinero facil; ingresos pasivos; ganhar dinheiro; renda extra; guadagnare online; zarabiac online;
        signals group; vip signals; copy trading; network marketing; join my team; be your own boss
        """,
    "loan": """
        business loan; business loans; personal loan; loan offer; loan at; apply for a loan; loan application;
        loans available; easy loan; instant loan; payday loan; no credit check; bad credit; interest rate of 2;
        working capital; merchant cash advance; line of credit; business funding; get funded; project funding;
        we offer loans; next of kin; inheritance; beneficiary; unclaimed funds; late client; deceased client;
        million dollars; million usd; million united states; atm card; western union; diplomatic delivery;
        transfer the sum; barrister; lottery winner; you have won; claim your prize; donation of; кредит; займ;
        займ онлайн; кредит без отказа; деньги в долг; kredit ohne schufa; sofortkredit; pret entre particuliers;
        offre de pret; pret rapide; prestamo; prestamos rapidos; emprestimo; prestito; pozyczka; kredi
        """,
    "search": """
        seo; seo services; seo service; seo agency; seo expert; seo experts; seo company; seo audit; seo package;
        seo packages; search engine optimization; search engine optimisation; backlink; backlinks;
        quality backlinks; link building; linkbuilding; dofollow; do follow; guest post; guest posts; guest posting;
        sponsored post; sponsored article; sponsored content; link insertion; link exchange; domain authority;
        domain rating; da 50; high da; first page of google; page one of google; page 1 of google; top of google;
        rank higher; rank on google; rank your website; google ranking; google rankings; your rankings;
        organic traffic; website traffic; web traffic; targeted traffic; increase traffic; more traffic;
        traffic to your; keyword research; targeted keywords; on page; off page; pbn; white hat; google my business;
        google maps ranking; продвижение сайта; продвижение сайтов; раскрутка сайта; сео; ссылки на сайт;
        обратные ссылки; хрумер; xrumer; прогон хрумером; suchmaschinenoptimierung; referencement;
        referencement naturel; premiere page de google; posicionamiento web; posicionamiento seo;
        primera pagina de google; otimizacao de sites; primeira pagina do google; pozycjonowanie;
        pozycjonowanie stron; posizionamento sui motori; chatgpt visibility; ai overviews
        """,
    "threat": """
        hacked your website; hacked your site; your site hacked; website was hacked; site was hacked;
        website has been hacked; site has been hacked; extracted your databases; your databases;
        your entire database; leaked or sold; will be leaked; be leaked; ruin your reputation;
        damage your reputation; bitcoin address; btc address; btc wallet; bitcoin wallet; pay the ransom; ransom;
        recorded you; your webcam; your web camera; infected your; trojan; malware on your; i have access to;
        full access to your; your contacts will; send the video; 48 hours; within 72 hours; payment in bitcoin;
        pay us; do nothing we; vulnerability in your website; bug bounty reward; critical vulnerability; ddos;
        взломали ваш сайт; выкуп; взломали
        """,
    "pitch": """
        came across your website; came across your site; visited your website; visiting your website;
        checking your website; found your website; looking at your website; went through your website;
        reviewing your website; your website and noticed; on your website and; i noticed your website;
        browsing your website; stumbled upon your; grow your business; scale your business; your business online;
        boost your business; boost your sales; increase your sales; more sales; more leads; more customers;
        qualified leads; quality leads; leads for your; lead generation; generate leads; verified leads;
        appointment setting; decision makers; email list; email lists; mailing list of; contact list; database of;
        b2b database; email database; verified emails; data list; attendees list; web design; website design;
        web development services; web development company; website development; redesign your website;
        website redesign; new website for; mobile app development; app development company;
        software development company; offshore development; dedicated developers; hire developers; explainer video;
        explainer videos; animated video; promo video; video production; video marketing; logo design;
        graphic design services; digital marketing; digital marketing agency; digital marketing services;
        social media marketing; social media management; instagram followers; real followers; buy followers;
        youtube subscribers; ppc; google ads; facebook ads; content writing services; virtual assistant;
        virtual assistants; virtual assistant services; call center; telemarketing; outsourcing;
        bookkeeping services; accounting services; ai chatbot; chatbot for your; ai voice agent; ai receptionist;
        ai agent; press release; featured in; get featured; free quote; free consultation; free audit;
        free proposal; free demo; quick call; 15 minute call; 10 minute call; schedule a call; book a call;
        book a quick; jump on a; hop on a; quick chat; interested in our services; our services; affordable price;
        affordable prices; affordable rates; competitive price; best price; best prices; reasonable price; low cost;
        at no cost; money back guarantee; limited offer; limited time offer; special offer; special discount;
        discount; off today; our portfolio; price list; send you a quote; send you a proposal; reply yes;
        reply with yes; just reply; are you the owner; business owner; business owners; business listing;
        your competitors; competitors are; credit card processing; merchant services; payment processing;
        solar panels; office cleaning; cleaning services; commercial cleaning; employee benefits; health insurance;
        payroll; group insurance; translation services; trademark; domain name expires; domain expiration;
        domain expiring; renew your domain; ada compliance; ada compliant; accessibility lawsuit; wikipedia page;
        webdesign; neue website; mehr kunden; mehr umsatz; unverbindliches angebot; kostenloses angebot;
        kostenlose beratung; creation de site; devis gratuit; plus de clients; agence web; diseno web; paginas web;
        mas clientes; aumentar sus ventas; mais clientes; criacao de sites; realizzazione siti; piu clienti;
        nowe strony; tworzenie stron; оптом; скидка; скидки; скидка до; создание сайтов; разработка сайтов; реклама;
        рассылка; база email; база данных компаний; наша компания предлагает; предлагаем
        """,
    "bulk": """
        contact form; contact forms; feedback form; feedback forms; form submission; contact form marketing;
        contact page; message blast; mass messaging; bulk email; email blast; email blasts; millions of websites;
        thousands of websites; to opt out; opt out; opt out of; unsubscribe from; to unsubscribe; unsubscribe here;
        remove your site; remove your domain; reply stop; reply no; submit your site; submit your website; proxies;
        commercial proposal; commercial offer; letter to the feedback; this message to you; just like you read;
        reading this message; reach you through; dear sir or madam offer; dear website owner; dear owner;
        hello website owner; dear business owner; hi website owner; капча; обратная связь рассылка;
        рассылка по формам; по формам обратной связи; формам обратной связи; kontaktformular;
        formulaires de contact; formularios de contacto; pls check; click here; click the link; click on the link;
        click below; visit the link; visit our website; check it out; check this out; learn more at; more info here;
        read more here; подробнее; переходите по; переходи по; подробности на; по ссылке; hier klicken; cliquez ici;
        haga clic; clique aqui; clicca qui; kliknij tutaj; telegram; whatsapp me; write to my whatsapp; write me on;
        message me on; my telegram; our telegram; telegram channel
        """,
    "goods": """
        replica; replica watches; replica watch; fake id; fake passport; real passports; buy passport;
        driver license for sale; ray ban; designer bags; luxury watches; louis vuitton; rolex; cheap jerseys;
        sneakers wholesale; wholesale price; wholesale prices; manufacturer in china; from china; our factory;
        our products; factory price; direct from factory; oem; moq; led lights; led display; valves; cnc; pcb;
        injection molding; bulk order; catalog; catalogue; dropshipping; e cigarettes; vape; vapes; firewood; iptv;
        iptv subscription; cheap software; license keys; windows license; essay writing; write my essay; buy essay;
        dissertation writing; academic writing service; buy certificate; without exam; certificates without exam;
        pass without exam; exam dumps; buy diploma; buy degree; diploma for sale; buy ielts; toefl certificate;
        купить диплом; диплом купить; купить права; аттестат; diplom kaufen; fuhrerschein kaufen; comprar diploma;
        comprar titulo; acheter diplome; acheter permis; patente di guida; pellet; rent a car; car rental;
        airport transfer; taxi service; moving company; kitchen cabinets; roofing; locksmith; air duct; plumbing
        """,
}

WITHOUT_SPACES: Mapping[str, str] = {
    plain(phrase): kind
    for kind, phrases in {
        "gambling": "博彩 赌场 百家乐 体育投注 娱乐城 时时彩 パチンコ オンラインカジノ 카지노 토토사이트 바카라",
        "loan": "贷款 借贷 大出借り",
        "search": "外链 快速排名 百度推广 seo优化",
        "goods": "代开发票 发票 办证 文凭 高仿 批发",
        "adult": "约炮 色情 成人视频 出会い",
        "money": "日赚 刷单 兼职赚钱 副業で稼ぐ 虚拟货币",
    }.items()
    for phrase in phrases.split()
}
"""Scripts that set no spaces between words: looked for anywhere in the text."""

_OUR_FIELD = """
    tpm; tpms; technical program manager; technical program managers; technical program management;
    technical programme manager; program manager; program managers; program management; programme manager;
    programme management; project manager; project managers; project management; project coordinator;
    delivery manager; scrum master; product owner; product manager; pmp; pgmp; capm; prince2; pmi; csm; psm;
    safe agilist; scaled agile; scrum; agile; kanban; release train; stakeholder; stakeholders; career; careers;
    certification; certifications; certified; exam date; syllabus; curriculum; prerequisites; tuition; enroll;
    enrol; cohort; bootcamp; mentor; mentoring; mentorship; resume; cv; interview; interviews; your guide;
    the guide; chapter; the pathway; software engineer; software engineering; systems engineer; engineering manager;
    tech lead; developer for; my degree; bachelor; master s degree; university; projektmanager; projektmanagerin;
    projektleiter; projektleiterin; projektmanagement; programmmanager; zertifizierung; zertifikat; berufserfahrung;
    quereinstieg; weiterbildung; studium; chef de projet; cheffe de projet; gestion de projet;
    responsable de programme; reconversion; carriere; formation; gerente de proyectos; gestion de proyectos;
    jefe de proyecto; gerente de programas; certificacion; certificaciones; carrera; curso; cursos; ingeniero;
    ingeniera; universidad; gerente de projetos; gestao de projetos; gerente de programas; certificacao; carreira;
    engenheiro; engenheira; project manager certificato; certificazione; carriera; corso; corsi; ingegnere;
    kierownik projektu; kierownika projektu; zarzadzanie projektami; zarzadzania projektami; certyfikat; kurs;
    kariera; projektleder; projektledare; projectmanager; projectleider; opleiding; certificering;
    менеджер проектов; менеджера проектов; менеджером проектов; управление проектами; управлению проектами;
    управления проектами; программный менеджер; сертификация; сертификат; карьера; карьеру; курс; курсы; обучение;
    руководитель проектов; керівник проєктів; курси; навчання; proje yoneticisi; proje yonetimi; sertifika; kariyer;
    egitim; manajer proyek; sertifikasi; pelatihan; karir; quan ly du an; chung chi; khoa hoc; msimamizi wa miradi;
    cheti
    """

_OUR_FIELD_WITHOUT_SPACES = """
    项目经理 项目管理 技术项目 认证 课程 职业 項目經理 専案 專案 認證 課程
    プロジェクトマネージャー プロジェクト管理 資格 講座 キャリア
    프로젝트 자격증 과정 경력
    مدير مشروع مشاريع شهادة دورة دورات برنامج
    परियोजना प्रमाणपत्र पाठ्यक्रम โครงการ หลักสูตร פרויקטים קורס הסמכה
    """

OUR_FIELD_WITHOUT_SPACES = tuple(plain(word) for word in _OUR_FIELD_WITHOUT_SPACES.split())


def _folded(phrases: str) -> list[str]:
    return [" ".join(fold(phrase).words) for phrase in phrases.split(";")]


KIND_OF: Mapping[str, str] = {phrase: kind for kind, phrases in _KINDS.items() for phrase in _folded(phrases)}
"""The kind of each phrase, folded."""

OUR_FIELD: frozenset[str] = frozenset(_folded(_OUR_FIELD))

FIRST_WORDS: frozenset[str] = frozenset(phrase.partition(" ")[0] for phrase in (*KIND_OF, *OUR_FIELD))
