package absence

import "strings"

// givenNames are common given names in the languages of absenceWords, without
// those that are as well a place to go to (Sofia, Charlotte, Victoria, Nancy,
// Santiago), a month or its abbreviation (April, Jan, Juli), a feast (Noël,
// Silvester, Valentin) or a word of another kind (Will, Hope). It is a list to be
// sure by, not a complete one: a name that is missing is caught by the rules
// about sentences and possessives, or by a rule of the configuration.
var givenNames = set(strings.Fields(`
	adam adrian agnes agnieszka ahmed ahmet aisha albert alberto alejandro aleksander aleksandra alessandra alessandro alex alexander alexandra
	alfred ali alicia alina alisa amanda amelie amir amy ana anastasia anders andrea andreas andrei andrej andres andrew andrzej anette angela angelika
	anita anja anke anna annalena annabel anne anneke annette annika anouk antje antoine anton antonia antonio arne arnold arthur artur astrid
	axel ayşe barbara barbora bartek beata beate beatrice beatriz ben benedikt benjamin bernard bernd bernhard bert bettina bianca birgit bob bogdan
	brian brigitte bruno burak camille carla carlos carlo carmen caroline catherine cathrin cem chiara chris christa christian christiane christina
	christine christof christoph christopher claire clara claudia claudio clément clemens cornelia cristina damian dan daniel daniela daniele daniil danuta
	dave david davide debbie deniz denis dennis derya detlef diana dieter dimitri dirk dmitry dominik dominika dominique donna doris dorota
	dorothea duncan edith eduard eduardo edward ekaterina elena eleonora elif elina elisa elisabeth elise elizabeth elke ella ellen elmar emanuel
	emilia emilie emily emine emma emmanuel emre enrico eric erica erich erik erika ernst esra esteban esther eva evelyn ewa fabian
	fabio fabrice fatima fatma federico felix ferdinand fernando filip florian francesca francesco francisco franck frank frans franz franziska fred freddy frederik
	friedrich fritz gabriel gabriela gabriele gary georg george georgina gerald gerd gerhard gerrit gertrud gianluca giovanni giulia giuseppe gisela gonzalo
	graham grzegorz guillaume guido gunnar gustav günter günther hakan hanna hannah hannes hans harald harry hartmut hasan hassan hatice heather heidi
	heike heiko heiner heinrich heinz helen helga helmut hendrik henning henri henrik henry herbert hermann hilde holger horst hugo ian ibrahim igor ilona ilse imke
	ines inga inge ingo ingrid irene irina irmgard isabel isabell isabella isabelle ivan ivana jack jacob jacqueline jacques jakob jakub james jana jane janina
	janine jannik janusz jasmin jasmine jason javier jean jeanette jeff jelena jennifer jens jenny jeremy jerzy jessica jim jiří joachim joan joana joanna joão
	joe joel johan johann johanna johannes john johnny jonas jonathan joost jörg jorge josé josef josefine joseph juan juha julia julian
	juliane julie julien juliette jürgen justin justyna jutta kaarina kai karel karen karin karina karl karla karolina karsten katarina katarzyna kate katharina
	kathleen kathrin kathy katie katja katrin keith kemal ken kerstin kevin kim kirsten klaas klara klaus konrad konstantin kristian kristin kristina kristof
	krzysztof kurt laila lara lars laura laure laurence laurent lea leah leila lena lennart leo leon leonardo leonie lidia liesbeth lieke
	linda lisa liz louis louise luca lucas lucia lucie lucy ludwig luigi luis luisa luise lukas lukáš lutz łukasz lynn maarten maciej magda magdalena maja
	maike malgorzata małgorzata malte mandy manfred manon manuel manuela marc marcel marcelo marcin marco marcos marcus marek margaret margarete margit maria
	marianne marie marija marijke mario marion marius mark marko markus marlene marta martin martina martha mary masha mateusz mathias mathieu mathilde matteo
	matthew matthias matti maurice max maxim maxime maximilian mehmet melanie melissa merve mia michael michaela michał michal michel michele michelle miguel mike
	mikael mikhail mikko mila milena mirjam miriam mohamed mohammed monica monika monique moritz murat mustafa nadia nadine nadja natalia natalie
	nathalie nathan neil nele nicholas nick nico nicola nicolas nicole niels niklas niko nikita nikolai nina noah norbert olaf oleg olga oliver
	olivia olivier ole oscar oskar otto pablo paolo pascal pat patricia patrick patrik paul paula pauline paulo pavel pawel paweł pedro peggy pekka 	peter petr petra philip philipp philippe pia piero pierre pieter pietro pilar piotr rachel rafael rafał raimund rainer ralf ralph ramona raphael rasmus raúl raymond
	rebecca rebekka reinhard reinhold renate renata rené ricardo richard rita robert roberta roberto robin roger roland rolf romain ronald ronny rosa rosemarie
	roswitha rüdiger rudolf rudi ruben ruth ryan sabine sabrina sally samantha samira samuel sandra sanna sara sarah sascha sebastian selina selma sergei sergey sergio
	serkan silke silvia simon simona simone sina sofie sonia sonja sophia sophie stanislav stefan stefania stefanie stefano steffen steffi stella sten stephan stephanie stephen
	steve steven stuart susan susana susanna susanne suzanne svein sven svenja svetlana sylvia sylvie tamara tania tanja tatjana ted teresa tereza thea theo
	theresa therese thierry thijs thomas thorsten tiago tilo tim timo timothy tina tobias tom tomás tomáš tomasz tommaso tony torben torsten tuomas udo ulf ulla ulrich
	ulrike ursula ute uta uwe vanessa vera verena veronica veronika véronique viktor viktoria vincent vincenzo viola virginie vladimir volker waltraud werner wiebke wilhelm
	willem wilma wim wojciech wolf wolfgang xavier yann yannick yasemin yolanda yusuf yves yvonne zofia zoe zuzana øyvind åsa
	александр александра алексей алина анастасия андрей анна антон борис валентина василий вера виктор виктория владимир галина дарья денис дмитрий евгений екатерина
	елена иван игорь илья ирина ксения людмила максим мария марина михаил наталья никита николай оксана олег ольга павел пётр петр роман светлана сергей татьяна юлия юрий
	анны ивана марии ольги петра сергея
`))
