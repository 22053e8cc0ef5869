import java.io.File;
import java.util.Arrays;
import java.util.EnumSet;
import org.verapdf.features.FeatureFactory;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.metadata.fixer.FixerFactory;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.validation.validators.ValidatorConfigBuilder;
import org.verapdf.processor.BatchProcessor;
import org.verapdf.processor.FormatOption;
import org.verapdf.processor.ProcessorConfig;
import org.verapdf.processor.ProcessorFactory;
import org.verapdf.processor.TaskType;
import org.verapdf.processor.plugins.PluginsCollectionConfig;

/** Prints the report that `verapdf --flavour ua1 --format xml FILE...` prints, where only veraPDF's library is to be had. */
public class Check {
    public static void main(String[] files) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        ProcessorConfig config = ProcessorFactory.fromValues(
            new ValidatorConfigBuilder().flavour(PDFAFlavour.PDFUA_1).showErrorMessages(true).build(),
            FeatureFactory.defaultConfig(),
            PluginsCollectionConfig.defaultConfig(),
            FixerFactory.defaultConfig(),
            EnumSet.of(TaskType.VALIDATE));
        try (BatchProcessor processor = ProcessorFactory.fileBatchProcessor(config)) {
            processor.process(
                Arrays.stream(files).map(File::new).toList(),
                ProcessorFactory.getHandler(FormatOption.XML, false, System.out, false));
        }
    }
}
