"""What invented people are called and what they write; every address is under a name that can't exist (RFC 2606)."""

_FIRST_NAMES = (
    "Ada Adriana Ahmed Aiko Aisha Alejandro Alma Amara Amélie Ananya André Anja Antonio Arjun Astrid Ayşe Beatriz "
    "Björn Camila Carlos Chen Chiara Chloé Daniel Deborah Diego Dmitri Elena Eleni Elif Émile Emma Eszter Fatima "
    "Felix Fiona François Freya Gabriela George Giulia Grace Hana Hannah Hassan Helga Hiroshi Hugo Imani Inés Ingrid "
    "Isaac Ivan Jaime James Jasmine Jelena João Jonas José Julia Kaito Karim Katarzyna Kavya Kenji Kofi Laila Lars "
    "Léa Leonardo Li Lina Lucía Luka Lwazi Maja Malik Marco María Mateus Mei Michael Miguel Mina Mohammed Nadia Naomi "
    "Nikolai Nina Noor Olga Oliver Omar Ørjan Paula Pedro Petra Priya Rachel Rafael Rania Ravi Robert Rosa Ruth "
    "Saanvi Samuel Sara Sebastián Selin Sergei Siân Simone Sofia Søren Stefan Sven Tamar Tariq Tatiana Thandi Thomas "
    "Tomás Ursula Valentina Victor Wanjiru Wei William Yara Yuki Yusuf Zainab Zoë Zuzana"
)
FIRST_NAMES = _FIRST_NAMES.split()

_LAST_NAMES = (
    "Abebe Adeyemi Aguilar Ahmed Akhtar Almeida Andersen Andersson Árnason Bakker Banerjee Barbosa Becker Bianchi "
    "Björk Bondarenko Brown Carvalho Castillo Çelik Chaudhary Chen Cohen Costa Cruz Dąbrowski Das Davies Demir Diaz "
    "Dubois Dupont Eriksen Evans Fernández Ferrari Fischer Flores Fofana García Garnier Gómez González Gupta "
    "Gustafsson Haddad Hansen Hernández Hoffmann Horvat Hughes Ibrahim Ivanov Jansen Jensen Johnson Jones Kaya Keller "
    "Khan Kim Kimura Kovač Kowalski Kumar Laurent Le Lee Lewis Lima Lindgren López Lovelace Mahlangu Martin Martínez "
    "Mbeki Mehta Mendoza Meyer Mitchell Moreau Moreno Müller Murphy Mwangi Nakamura Nascimento Nguyen Nielsen Novák "
    "O'Brien O'Neill Okafor Okonkwo Oliveira Olsen Ortiz Ødegård Papadopoulos Park Patel Pereira Petrov Popescu "
    "Quispe Rahman Ramos Rao Reyes Ribeiro Rivera Rossi Ruiz Salazar Sánchez Santos Sato Schmidt Schneider Sharma "
    "Silva Singh Smith Sokolov Sørensen Suzuki Takahashi Tanaka Taylor Teixeira Thomas Torres Tran Türk Vargas "
    "Vasquez Virtanen Wagner Walker Wang Weber Williams Wilson Wójcik Wright Yamamoto Yıldız Young Zhang Zielińska "
    "Zimmermann"
)
LAST_NAMES = _LAST_NAMES.split()

_COMPANIES = (
    "northwind alder bluefinch cobalt cresthill driftwood eastgate evergreen fairwater fjordtech goldleaf granite "
    "harborview helios ironbridge juniper kestrel lakeshore lumen maplecore meridian nimbus oakline orbital pinecone "
    "quarry redwood riverside sandstone silverline solstice summit tidewater uplands vantage westfield willow zephyr"
)
COMPANIES = _COMPANIES.split()

PROVIDERS = ("example.org", "example.com", "example.net")

SENTENCES = (
    "I read your guide on the train and could not stop.",
    "I have been a software engineer for {years} years and would like to lead programs.",
    "At the moment I manage projects in a bank and nobody here knows what a technical program manager is.",
    "How do I begin without a degree in computer science?",
    "Which certification should I take first, PMP or CSM?",
    "My manager would pay for a course if I can show what it is good for.",
    "I live in {city} and work remotely.",
    "Is there a course in the evening or at the weekend?",
    "I am coming back to work after {years} years with my children.",
    "We are {years} people in our team and might all come.",
    "Could somebody call me next week?",
    "I failed the exam once and want to do it right this time.",
    "What does the career look like after {years} years?",
    "I moved from testing to operations and now to planning releases.",
    "Do you know of anybody who went from teaching into technology?",
    "The chapter about experience made me think about my own path.",
    "What would you read first?",
    "I speak with engineers all day and still feel that I understand half of it.",
    "Our company is about to adopt SAFe, and somebody has to know how it works.",
    "Is the certificate recognised in {city}?",
    "Please send me the dates of the next courses.",
    "I would like to talk to somebody who does this every day.",
)

_CITIES = (
    "Philadelphia, New York, Chicago, Austin, Seattle, Toronto, São Paulo, Lima, London, Kraków, Zürich, Malmö, "
    "Lagos, Nairobi, Cairo, Bengaluru, Pune, Singapore, Osaka, Sydney"
)
CITIES = _CITIES.split(", ")

NOTES = (
    "Wants to hear about dates in spring.",
    "Their company pays; ask for the manager’s address.",
    "Called, nobody answered.",
    "Very good fit for the evening course.",
    "Prefers mail to phone.",
    "Still decides between PMP and CSM.",
    "Came by a colleague who took the course last year.",
)

TAGS = (
    ("newsletter", 18),
    ("webinar spring", 9),
    ("company pays", 6),
    ("career changer", 6),
    ("evening course", 4),
    ("veteran", 2),
    ("scholarship", 1),
    ("speaker", 0.2),
    ("press", 0.02),
)
"""Words that staff put on people, and on how many of a hundred."""

STAFF = ("Alice Marlowe", "Bob Okoro", "Dana Whitfield", "Ezra Lindqvist", "Farah Siddiqui", "Gil Moreno")
"""Who looks after them."""
